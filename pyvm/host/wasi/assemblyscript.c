/* env.abort of AssemblyScript: says what failed and where, and traps. */

#include "state.h"

/* UTF-16, whose length in bytes lies before it, as UTF-8. */
static void write_text(u32 text) {
  if (!text) return;
  for (u32 end = text + get32(text - 4); text + 1 < end; text += 2) {
    u32 c = *(volatile u16*)text;
    if (c >> 10 == 0x36 && text + 3 < end && *(volatile u16*)(text + 2) >> 10 == 0x37) {
      c = 0x10000 + ((c & 0x3FF) << 10) + (*(volatile u16*)(text + 2) & 0x3FF);
      text += 2;
      output_error(0xF0 | c >> 18);
      output_error(0x80 | c >> 12 & 63);
    } else if (c > 0x7FF) {
      output_error(0xE0 | c >> 12);
    }
    if (c > 0x7FF)
      output_error(0x80 | c >> 6 & 63);
    else if (c > 0x7F)
      output_error(0xC0 | c >> 6);
    output_error(c > 0x7F ? 0x80 | c & 63 : c);
  }
}
static void write_number(u32 n) {
  u32 power = 1;
  while (n / power >= 10) power *= 10;
  for (; power; power /= 10) output_error('0' + n / power % 10);
}
__attribute__((export_name("env.abort"))) void env_abort(u32 message, u32 file, u32 line, u32 column) {
  output_error('a'), output_error('b'), output_error('o'), output_error('r'), output_error('t');
  output_error(':'), output_error(' ');
  write_text(message);
  output_error(' '), output_error('i'), output_error('n'), output_error(' ');
  write_text(file);
  output_error('('), write_number(line), output_error(':'), write_number(column);
  output_error(')'), output_error('\n');
  __builtin_trap();
}

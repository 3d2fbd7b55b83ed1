/* An interpreter of a stack machine: a switch over its instructions. Its programs are texts, one
 * letter an instruction, which are translated to code with the targets of loops resolved.
 *
 *   0-9  the digit extends the number on top     #    push 0
 *   a-z  push the variable                       =a   pop into the variable
 *   + - * / %   arithmetic, < equality or less   [ ]  loop while the popped value is not 0
 *   .    print the number                        ,    next character of the data, 0 at the end
 *   ;    print a line feed                       !    not
 * The data stand behind the program's "|". */
enum { PUSH, DIGIT, LOAD, STORE, ADD, SUB, MUL, DIV, REM, LESS, NOT, OPEN, CLOSE, PRINT, READ, LINE, END };
enum { LIMIT = 400, DEPTH = 16, STACK = 64 };

typedef struct {
  unsigned char op;
  short argument;
} Instruction;

static Instruction code[LIMIT];

static const char *translate(const char *text) {
  static const char letters[] = "+-*/%<!", plain[] = ".,;";
  int count = 0, open[DEPTH], depth = 0;
  for (; *text && *text != '|'; text++) {
    Instruction *at = code + count;
    const char *found;
    if (*text == ' ') continue;
    if (count == LIMIT - 1) return 0;
    if (isdigit(*text)) at->op = DIGIT, at->argument = (short)(*text - '0');
    else if (*text == '#') at->op = PUSH;
    else if (*text >= 'a' && *text <= 'z') at->op = LOAD, at->argument = (short)(*text - 'a');
    else if (*text == '=' && isalpha(text[1])) at->op = STORE, at->argument = (short)((*++text | 32) - 'a');
    else if ((found = strchr(letters, *text))) at->op = (unsigned char)(ADD + (found - letters));
    else if ((found = strchr(plain, *text))) at->op = (unsigned char)(PRINT + (found - plain));
    else if (*text == '[' && depth < DEPTH) at->op = OPEN, open[depth++] = count;
    else if (*text == ']' && depth > 0) {
      at->op = CLOSE, at->argument = (short)open[--depth];
      code[open[depth]].argument = (short)(count + 1);
    } else return 0;
    count++;
  }
  code[count].op = END;
  return depth ? 0 : *text ? text + 1 : text;
}

static void run(const char *data) {
  static int stack[STACK], variables[26];
  int *top = stack;
  for (const Instruction *at = code;; at++) {
    switch (at->op) {
      case PUSH: *++top = 0; break;
      case DIGIT: *top = *top * 10 + at->argument; break;
      case LOAD: *++top = variables[at->argument]; break;
      case STORE: variables[at->argument] = *top--; break;
      case ADD: top--, top[0] += top[1]; break;
      case SUB: top--, top[0] -= top[1]; break;
      case MUL: top--, top[0] *= top[1]; break;
      case DIV: top--, top[0] /= top[1]; break;
      case REM: top--, top[0] %= top[1]; break;
      case LESS: top--, top[0] = top[0] < top[1]; break;
      case NOT: top[0] = !top[0]; break;
      case OPEN:
        if (!*top--) at = code + at->argument - 1;
        break;
      case CLOSE: /* the loop's condition is on top, as when it was entered */
        if (*top--) at = code + at->argument;
        break;
      case PRINT: print_int(*top--), putchar(' '); break;
      case READ: *++top = *data ? (unsigned char)*data++ : 0; break;
      case LINE: putchar('\n'); break;
      case END: return;
    }
  }
}

void compute(const char *input) {
  const char *data = translate(input);
  if (data) run(data);
  else print_string("no program\n");
}

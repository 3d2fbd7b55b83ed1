/* Reads a JSON text (RFC 8259) and prints it without white space and without escapes that are not
 * needed, or says at which character it is none; then counts what is in it. */
static const char *text, *start;
static int failed, depth, deepest, objects, arrays, strings, numbers, words;

static int fail(void) {
  failed = 1;
  return 0;
}

static void skip_space(void) {
  while (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r') text++;
}

static int next_is(char c) {
  skip_space();
  if (*text != c) return 0;
  text++;
  return 1;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \uXXXX of ASCII; of others the escape stays. */
static int unicode(void) {
  int code = 0;
  for (int i = 1; i <= 4; i++) {
    int digit = hex_digit(text[i]);
    if (digit < 0) return fail();
    code = code * 16 + digit;
  }
  if (code >= 32 && code < 127 && code != '"' && code != '\\') putchar(code);
  else printf("\\u%04x", code);
  text += 5;
  return 1;
}

static int string(void) {
  if (!next_is('"')) return fail();
  putchar('"');
  while (*text != '"') {
    if ((unsigned char)*text < 32) return fail();
    if (*text != '\\') {
      putchar(*text++);
      continue;
    }
    switch (*++text) {
      case 'u':
        if (!unicode()) return 0;
        continue;
      case '/': break;
      case '"': case '\\': case 'b': case 'f': case 'n': case 'r': case 't': putchar('\\'); break;
      default: return fail();
    }
    putchar(*text++);
  }
  putchar(*text++);
  return 1;
}

static int digits(void) {
  if (!isdigit(*text)) return fail();
  while (isdigit(*text)) putchar(*text++);
  return 1;
}

static int number(void) {
  numbers++;
  if (*text == '-') putchar(*text++);
  if (*text == '0') putchar(*text++);
  else if (!digits()) return 0;
  if (*text == '.') {
    putchar(*text++);
    if (!digits()) return 0;
  }
  if ((*text | 32) != 'e') return 1;
  putchar(*text++ | 32);
  if (*text == '+' || *text == '-') putchar(*text++);
  return digits();
}

static int word(const char *expected) {
  words++;
  for (; *expected; expected++) {
    if (*text++ != *expected) return fail();
    putchar(*expected);
  }
  return 1;
}

static int value(void);

static int members(char open, char close) {
  text++;
  putchar(open);
  if (++depth > deepest) deepest = depth;
  if (!next_is(close)) {
    do {
      if (open == '{') {
        if (!string()) return 0;
        if (!next_is(':')) return fail();
        putchar(':');
      }
      if (!value()) return 0;
    } while (next_is(',') && putchar(','));
    if (!next_is(close)) return fail();
  }
  putchar(close);
  depth--;
  return 1;
}

static int value(void) {
  skip_space();
  switch (*text) {
    case '{': objects++; return members('{', '}');
    case '[': arrays++; return members('[', ']');
    case '"': strings++; return string();
    case 't': return word("true");
    case 'f': return word("false");
    case 'n': return word("null");
    default: return number();
  }
}

void compute(const char *input) {
  start = text = input;
  value();
  skip_space();
  if (failed || *text) printf("\nno JSON at %d\n", (int)(text - start));
  else printf("\n%d objects, %d arrays, %d strings, %d numbers, %d words, depth %d\n", objects, arrays, strings,
              numbers, words, deepest);
}

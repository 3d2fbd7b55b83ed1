/* What a C program that defines compute can use: output, printing, parsing, memory and strings.
 *
 * A program defines  void compute(const char *input)  or  void compute(void).  What it declares
 * itself is taken out of this header, line by line: a declaration is one line.
 * An instruction costs 5 tokens, of a 64-bit number 9; a product 9 or 17, a division 9 or 13. Only
 * 64-bit division is a routine, of some hundred tokens.
 */
#ifndef PYVM_H
#define PYVM_H

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __UINTPTR_TYPE__ uintptr_t;

#ifndef NULL
#define NULL ((void *)0)
#endif

/* Output. */
int putchar(int c);
int puts(const char *text);           /* with a line feed */
void print_string(const char *text);  /* without */
void print_str(const char *text);     /* the same */
void print_int(int value);
void print_unsigned(unsigned value);
/* %d %i %u %x %X %o %c %s %p %% with flags, width, precision (both also *), hh h l ll j z t. Any
   other conversion is a trap, which names it. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Parsing. */
/* %d %i %u %x %X %o %c %s %[ %n %% with *, width, hh h l ll j z t; as above. */
int sscanf(const char *text, const char *format, ...) __attribute__((format(scanf, 2, 3)));
int atoi(const char *text);
/* Skips what is no number, and reads one; of a pointer to the text, moves it behind the number. */
int parse_int(const char **text) __attribute__((overloadable)) __asm__("parse_int");
int parse_int(const char *text) __attribute__((overloadable)) __asm__("parse_int_of");
int isdigit(int c);
int isspace(int c);
int isalpha(int c);

/* Memory and strings. */
void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *text);
int str_len(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t count);
char *strcpy(char *to, const char *from);
char *strcat(char *to, const char *from);
char *strchr(const char *text, int c);

/* Ends the program as a trap. */
__attribute__((noreturn)) void abort(void);

#endif

// Exceptions of C++: by value and by reference, thrown again, through destructors, from the library.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

struct Loud {
  const char *name;
  explicit Loud(const char *given) : name(given) { printf("+%s ", name); }
  ~Loud() { printf("-%s ", name); }
};

struct Coded : std::runtime_error {
  int code;
  explicit Coded(int given) : std::runtime_error("code " + std::to_string(given)), code(given) {}
};

struct Item {
  static int count;
  Item() {
    if (++count == 3) throw count;
  }
  ~Item() { printf("~ "); }
};
int Item::count;

static void inner(int which) {
  Loud loud("inner");
  std::string text = "abc";
  switch (which) {
    case 0: throw 42;
    case 1: throw Coded(7);
    case 2: throw std::string("text");
    case 3: text.at(which + 7) = 'x'; break;
    case 4: std::stoi(text); break;
    case 5: throw 2.5;
    case 6: delete[] new Item[5]; break;
    case 7: std::vector<int>().at(which);
    default: printf("nothing ");
  }
}

static void middle(int which) {
  Loud loud("middle");
  try {
    inner(which);
  } catch (const Coded &error) {
    printf("[%s] ", error.what());
    throw;
  } catch (double value) {
    try {
      throw std::logic_error("instead");
    } catch (const std::exception &) {
      std::throw_with_nested(std::runtime_error("around"));
    }
  }
}

int main(int count, char **) {
  for (int which = 0; which < 9; which++) {
    try {
      middle(which);
      puts("fine");
    } catch (int value) {
      printf("int %d\n", value);
    } catch (const Coded &error) {
      printf("coded %d\n", error.code);
    } catch (const std::exception &error) {
      printf("%s\n", error.what());
    } catch (...) {
      puts("something");
    }
  }
  std::exception_ptr kept;
  try {
    throw std::out_of_range("kept");
  } catch (...) {
    kept = std::current_exception();
  }
  try {
    std::rethrow_exception(kept);
  } catch (const std::logic_error &error) {
    puts(error.what());
  }
  fflush(stdout);
  if (count == 2) [] () noexcept { throw 3; }();
  if (count == 3) throw 4;
  return 5;
}

// The C++ library: strings, containers, algorithms, virtual functions, streams of numbers.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct Shape {
  virtual ~Shape() = default;
  virtual int area() const = 0;
  virtual std::string name() const = 0;
};
struct Square : Shape {
  int side;
  explicit Square(int side) : side(side) {}
  int area() const override { return side * side; }
  std::string name() const override { return "square " + std::to_string(side); }
};
struct Box : Shape {
  int width, height;
  Box(int width, int height) : width(width), height(height) {}
  int area() const override { return width * height; }
  std::string name() const override {
    return "box " + std::to_string(width) + " by " + std::to_string(height);
  }
};

int main() {
  std::vector<std::unique_ptr<Shape>> shapes;
  std::string kind;
  while (std::cin >> kind) {
    int a, b;
    if (kind == "square" && std::cin >> a)
      shapes.push_back(std::make_unique<Square>(a));
    else if (kind == "box" && std::cin >> a >> b)
      shapes.push_back(std::make_unique<Box>(a, b));
    else {
      std::cerr << "unknown: " << kind << std::endl;
      return 2;
    }
  }
  std::sort(shapes.begin(), shapes.end(), [](auto &x, auto &y) { return x->area() < y->area(); });
  std::map<int, int> sizes;
  for (auto &shape : shapes) {
    std::cout << shape->name() << ": " << shape->area() << '\n';
    sizes[shape->area() / 10]++;
  }
  for (auto [size, count] : sizes) std::printf("%d: %d\n", size, count);
}

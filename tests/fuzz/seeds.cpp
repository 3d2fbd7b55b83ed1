// Writes the seeds of the fuzz targets: `seeds FOLDER` makes FOLDER/model, FOLDER/program, FOLDER/trace.
#include <filesystem>
#include <fstream>

#include "executor/isa.hpp"
#include "small_machines.hpp"

namespace {

void write(const std::filesystem::path& path, const std::vector<unsigned char>& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::vector<unsigned char> instructions(unsigned char mode,
                                        const std::vector<std::pair<std::string_view, int>>& all,
                                        const std::string& input = "") {
  std::vector<unsigned char> bytes{mode};
  for (const auto& [name, immediate] : all) {
    unsigned char op = 0;
    while (tvm::executor::kRows[op].name != name) ++op;
    bytes.push_back(op);
    for (int k = 0; k < 4; ++k) bytes.push_back(static_cast<unsigned char>(immediate >> (8 * k)));
  }
  bytes.insert(bytes.end(), input.begin(), input.end());
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  CHECK(count == 2);
  const std::filesystem::path folder = arguments[1];
  const char* const names[] = {"memory", "counting", "function"};
  const auto machines = small_machines();
  for (std::size_t i = 0; i < machines.size(); ++i) {
    ModelBytes machine = machines[i];
    write(folder / "model" / names[i], machine.bytes());
    machine.kinds.assign(machine.layers.size() * static_cast<std::size_t>(machine.h), 0);
    write(folder / "model" / (std::string(names[i]) + "-kinds"), machine.bytes());
    machine.metadata = false, machine.kinds.clear();
    write(folder / "model" / (std::string(names[i]) + "-plain"), machine.bytes());
    const auto which = static_cast<unsigned char>(i);
    write(folder / "trace" / names[i], {which, 4, 1, 2, 3, 4, 5});
    write(folder / "trace" / (std::string(names[i]) + "-edited"), {which, 2, 7, 0, 3, 20, 1, 30, 5});
  }
  write(folder / "program" / "halt", instructions(0, {{"halt", 0}}));
  write(folder / "program" / "loop", instructions(0, {{"i32.const", 3}, {"br", -1}, {"halt", 0}}));
  write(folder / "program" / "memory", instructions(0, {{"i32.const", 9},
                                                        {"i32.const", 70000},
                                                        {"i32.store", 4},
                                                        {"i32.const", 9},
                                                        {"i32.load", 4},
                                                        {"output", 0},
                                                        {"halt", 0}}));
  write(folder / "program" / "locals", instructions(0, {{"i32.const", -1},
                                                        {"local.set", 2},
                                                        {"local.get", 2},
                                                        {"i32.const", 1},
                                                        {"i32.add", 0},
                                                        {"br_if", 1},
                                                        {"call", 1},
                                                        {"return", 0},
                                                        {"halt", 0}}));
  write(folder / "program" / "input", instructions(2 + 4 * 3, {{"halt", 0}}, "abc"));
  write(folder / "program" / "tokens", {3, 0, 1, 2, 3, 4, 5});
  write(folder / "program" / "base", instructions(128, {{"i32.const", -2}, {"i32.load", 7}, {"halt", 0}}));
  // Bytes that are input, entry of the table (function 6, type 2) and data at once.
  write(folder / "program" / "given", instructions(2 + 4 * 7,
                                                   {{"i32.const", 0},
                                                    {"element", 2},
                                                    {"call_element", 6},
                                                    {"i32.const", 0},
                                                    {"i64.load", 0},
                                                    {"exit", 0}},
                                                   std::string("\6\0\0\0\2\0\0", 7)));
  write(folder / "program" / "wide", instructions(0, {{"i64.const", -5},
                                                      {"i64.const", 7},
                                                      {"i64.mul_high_u", 0},
                                                      {"i64.local.set", 3},
                                                      {"i64.local.get", 3},
                                                      {"i64.global.set", 2},
                                                      {"i64.global.get", 2},
                                                      {"i32.wrap_i64", 0},
                                                      {"i32.const", -3},
                                                      {"i32.rem_s", 0},
                                                      {"output_error", 0},
                                                      {"trap", 1}}));
  write(folder / "program" / "bounds", instructions(0, {{"i32.const", 1},
                                                        {"memory.resize", 0},
                                                        {"memory.size", 0},
                                                        {"br_table", 1},
                                                        {"br", 2},
                                                        {"br", 0},
                                                        {"i32.const", 65532},
                                                        {"i64.load", 0},
                                                        {"halt", 0}}));
  // Each opcode on a stack that has enough.
  for (std::size_t op = 0; op < std::size(tvm::executor::kRows); ++op)
    if (op % 4 == 0)
      write(folder / "program" / ("op-" + std::to_string(op)),
            instructions(
                0, {{"i32.const", 5},
                    {"i32.const", 3},
                    {"i32.const", 1},
                    {tvm::executor::kRows[op].name, 1},
                    {tvm::executor::kRows[std::min(op + 1, std::size(tvm::executor::kRows) - 1)].name, 1},
                    {"halt", 0}}));
}

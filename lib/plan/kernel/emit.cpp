#include "plan/kernel/emit.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "base/error.hpp"
#include "plan/ir/declined.hpp"
#include "plan/kernel/block_writer.hpp"
#include "plan/kernel/recipes.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/specialize/fingerprint.hpp"

namespace tvm::plan {
namespace {

constexpr const char* kHeaderName = "kernel.hpp";

// The running sums that most blocks add to.
std::vector<NodeId> busiest_sums(const std::vector<const Block*>& blocks) {
  std::map<NodeId, std::size_t> uses;
  for (const Block* block : blocks)
    for (const Op& op : block->tape.ops)
      if (op.code == Code::kAddToSum) ++uses[op.to];
  std::vector<NodeId> sums;
  for (const auto& [id, count] : uses) sums.push_back(id);
  std::stable_sort(sums.begin(), sums.end(), [&](NodeId a, NodeId b) { return uses[a] > uses[b]; });
  sums.resize(std::min<std::size_t>(sums.size(), 2));
  return sums;
}

// Runs the example, with so many of its tokens read and the others predicted.
void run(const Subject& subject, const std::shared_ptr<BlockVersions>& versions, const Example& example,
         std::size_t read) {
  const auto& tokens = example.tokens;
  if (tokens[0] != versions->first_token())
    throw Error(Status::kArgument, "traces for a kernel must begin with the same token");
  std::vector<std::int32_t> predicted(tokens.size());
  Interpreter interpreter(subject, versions);
  interpreter.read(tokens.data(), std::max<std::size_t>(read, 1) - 1);
  interpreter.predict(tokens.data(), tokens.size(), predicted.data());
}

// The blocks that prompts are read by. Another program may have any token at a place of these, so each class
// of tokens follows each context, as far as it leads to one of them.
std::set<const Block*> reading_blocks(const Subject& subject, BlockVersions& versions) {
  std::set<const Block*> all;
  std::set<plan::Context*> contexts;
  for (const Block* block : versions.blocks()) {
    if (block->predict) continue;
    all.insert(block);
    if (block->after != nullptr) contexts.insert(block->after);
  }
  for (Context* context : contexts)
    for (std::uint32_t c = 0; c < subject.division.classes.size(); ++c) try {
        const Block* block = versions.step(*context, c, false);
        if (contexts.count(block->after) > 0) all.insert(block);
      } catch (const Declined&) {  // no run reads that token there
      }
  return all;
}

// Runs read the prompt and predict what follows it. Verifying may begin at any position, and each thread
// reads what comes before its share: there kernels predict, too, as what was generated is as predicted.
// Returns the blocks that the kernel is of.
std::set<const Block*> run_all(const Subject& subject, const std::shared_ptr<BlockVersions>& versions,
                               const std::vector<Example>& examples) {
  for (const Example& example : examples) run(subject, versions, example, example.prompt);
  std::set<const Block*> all = reading_blocks(subject, *versions);
  for (const Example& example : examples)
    for (const std::size_t read : {std::size_t{1}, example.tokens.size() / 2})
      run(subject, versions, example, read);
  for (const Block* block : versions->blocks())
    if (block->predict) all.insert(block);
  std::erase_if(all, [](const Block* block) { return !is_for_kernels(*block); });
  return all;
}

std::string number_list(const std::vector<kernel::Recipe>& recipes) {
  std::string out;
  for (const kernel::Recipe& r : recipes)
    out += "  {" + std::to_string(r.parent) + "u, " + std::to_string(r.index) + "u, " +
           std::to_string(r.branch) + "u, " + std::to_string(r.after) + "u, " + std::to_string(r.tape) +
           "u, " + std::to_string(r.known) + "u},\n";
  return out;
}

class Words {
 public:
  Words(const Model& model, const Division& division) : model_(model), division_(division) {}

  // What a block is for: tokens of its class, and the case of the selector that is told apart by a token.
  std::string about(const Block& block) const {
    std::string out = "after " + some(division_.token_class, block.token_class);
    for (std::size_t s = 0; s < division_.selectors.size(); ++s) {
      const Selector& selector = division_.selectors[s];
      if (block.cases[s] == kNoCase) continue;
      out += selector.by == Selector::By::kTokenAt
                 ? "; " + some(selector.case_of, block.cases[s])
                 : "; case " + std::to_string(block.cases[s]) + " of selector " + std::to_string(s);
    }
    return out;
  }

 private:
  // The tokens of a class, by name.
  std::string some(const std::vector<std::uint32_t>& classes, std::uint32_t one) const {
    constexpr int kMost = 3;
    std::string out;
    int count = 0;
    for (std::size_t token = 0; token < classes.size(); ++token) {
      if (classes[token] != one || ++count > kMost) continue;
      out += (out.empty() ? "" : ", ") + spelled(model_.tokens[token]);
    }
    return count > kMost ? out + " and " + std::to_string(count - kMost) + " more tokens" : out;
  }
  // Within a comment.
  static std::string spelled(const std::string& name) {
    std::string out;
    for (const char c : name) out += c >= ' ' && c <= '~' && c != '\\' ? c : '?';
    return out;
  }

  const Model& model_;
  const Division& division_;
};

std::string includes(bool verify) {
  return std::string("#define TVM_VERIFY ") + (verify ? "1" : "0") + "\n#include \"" + kHeaderName + "\"\n";
}

}  // namespace

std::vector<SourceFile> emit(const Model& model, const Plan& plan, const std::vector<Example>& examples,
                             std::size_t parts) {
  const Subject& subject = plan.subject();
  const std::int32_t first_token = examples.at(0).tokens[0];
  const auto versions = std::make_shared<BlockVersions>(subject, first_token);
  const std::set<const Block*> all = run_all(subject, versions, examples);
  Predictions predictions(subject.network);
  const Numbered numbered(subject.network, *versions);
  const std::vector<const Block*>& blocks = numbered.blocks();
  const NumberOf number = [&](const Block* block) -> std::optional<std::uint32_t> {
    return all.count(block) > 0 ? numbered.number(block) : std::nullopt;
  };
  std::map<std::uint32_t, Following> follow;
  for (const Block* block : all)
    if (const auto is = number(block))
      follow[*is] = following(subject, *block, number, model.stop, predictions);
  const Functions functions(follow);
  const Words words(model, subject.division);
  Tables tables;
  const Writing writing{
      subject,   model.stop,           blocks, follow,
      functions, busiest_sums(blocks), tables, [&](const Block& block) { return words.about(block); }};
  // Those that read are written for one mode.
  std::vector<std::uint32_t> reading, predicting;
  for (const std::uint32_t first : functions.firsts())
    (blocks[first]->predict ? predicting : reading).push_back(first);
  std::sort(predicting.begin(), predicting.end());
  std::vector<std::string> bodies(parts);
  for (std::size_t i = 0; i < predicting.size(); ++i)
    bodies[i * parts / predicting.size()] += write_function(writing, predicting[i]);
  std::string read;
  for (const std::uint32_t number : reading) read += write_function(writing, number);
  std::string header = "#pragma once\n#include \"kernel/block.hpp\"\nnamespace tvm::kernel {\n";
  header += "inline constexpr std::size_t kStores = " + std::to_string(subject.network.stores.size()) + ";\n";
  header += "inline constexpr std::size_t kNodes = " + std::to_string(subject.network.nodes.size()) + ";\n";
  for (std::uint32_t s = 0; s < subject.network.stores.size(); ++s) header += write_row(subject, s);
  header += tables.declarations();
  for (const auto* numbers : {&reading, &predicting})
    for (const std::uint32_t number : *numbers) header += "BLOCK(" + std::to_string(number) + ");\n";
  std::vector<SourceFile> files{{kHeaderName, header + "}  // namespace tvm::kernel\n"}};
  for (std::size_t part = 0; part < parts; ++part) {
    const std::string name = "blocks" + std::to_string(part) + ".inc";
    files.push_back({name, "namespace tvm::kernel {\n\n" + bodies[part] + "}  // namespace tvm::kernel\n"});
    for (const bool verify : {false, true})
      files.push_back({(verify ? "verify" : "generate") + std::to_string(part) + ".cpp",
                       includes(verify) + "#include \"" + name + "\"\n"});
  }
  files.push_back(
      {"read.cpp", includes(true) + "namespace tvm::kernel {\n\n" + read + "}  // namespace tvm::kernel\n"});
  // Names of blocks in either mode.
  const auto runs = [&](const std::string& mode) {
    std::vector<bool> is_written(blocks.size());
    for (const std::uint32_t number : predicting) is_written[number] = true;
    for (const std::uint32_t number : reading) is_written[number] = mode == "verify";
    std::string declared, list;
    for (std::uint32_t number = 0; number < blocks.size(); ++number) {
      const std::string name = mode + "_" + std::to_string(number);
      if (is_written[number]) declared += "HIDDEN void " + name + "(PARAMETERS);\n";
      list += is_written[number] ? "  " + name + ",\n" : "  nullptr,\n";
    }
    return declared + "extern HIDDEN const Run " + mode + "_runs[];\nconst Run " + mode + "_runs[] = {\n" +
           list + "};\n";
  };
  std::string sums, kept;
  for (std::size_t i = 0; i < 2; ++i) {
    const bool used = i < writing.sums.size();
    sums += (i == 0 ? "" : ", ") + (used ? std::to_string(writing.sums[i]) : std::string("kNothing"));
    if (used) kept += "  R(" + std::to_string(writing.sums[i]) + ") = sum" + std::to_string(i) + ";\n";
  }
  std::string main = includes(false) + "namespace tvm::kernel {\n" + tables.definitions() +
                     "void leave(State* s, Token*, std::int64_t p, std::int64_t code, [[maybe_unused]] "
                     "std::int64_t sum0, [[maybe_unused]] std::int64_t sum1) {\n" +
                     kept +
                     "  s->position = static_cast<std::uint64_t>(p);\n  s->block = "
                     "static_cast<std::uint32_t>(code >> 2);\n  s->left = "
                     "static_cast<Left>(code & 3);\n}\nnamespace {\n" +
                     "const Recipe recipes[] = {\n" + number_list(numbered.recipes()) + "};\n" +
                     "}  // namespace\n" + runs("generate");
  std::string verify = includes(true) + "namespace tvm::kernel {\n" + runs("verify");
  // The second mode's list lies in its own file: the macros of blocks have one mode a file.
  main +=
      "extern HIDDEN const Run verify_runs[];\nnamespace {\nconst Kernel kernel = {kAbi, " +
      std::to_string(first_token) + ", " + std::to_string(model.stop) + ", \"" TVM_VERSION "\", " +
      std::to_string(fingerprint_of(subject)) + "u, {" + sums + "}, " + std::to_string(blocks.size()) +
      ", recipes, generate_runs, verify_runs};\n}  // namespace\n}  // namespace tvm::kernel\n" +
      "extern \"C\" __attribute__((visibility(\"default\"))) const tvm::kernel::Kernel* tvm_kernel() {\n  "
      "return &tvm::kernel::kernel;\n}\n";
  files.push_back({"main.cpp", main});
  files.push_back({"verify_list.cpp", verify + "}  // namespace tvm::kernel\n"});
  return files;
}

}  // namespace tvm::plan

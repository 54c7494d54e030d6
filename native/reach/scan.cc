#include "reach/scan.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "reach/links.h"

namespace sysieve::reach {

namespace {

constexpr size_t kMaxWords = 65536;
constexpr size_t kMaxWord = 40;

class Writer {
 public:
  Writer(const Elf& elf, Links links)
      : elf_(elf), code_(std::move(links.code)), nodes_(std::move(links.nodes)) {}

  // Functions from which no gate and no import can be reached say nothing.
  std::vector<bool> Telling() const {
    std::vector<std::vector<uint32_t>> back(nodes_.size());
    std::vector<bool> telling(nodes_.size(), false);
    std::deque<uint32_t> queue;
    for (uint32_t i = 0; i < nodes_.size(); i++) {
      const Node& node = nodes_[i];
      for (const auto* set : {&node.calls, &node.takes}) {
        for (const uint32_t to : *set) back[to].push_back(i);
      }
      if (node.imports.empty() && node.import_takes.empty() && node.native.empty() &&
          node.foreign.empty() && node.unresolved.empty() && node.wraps.empty())
        continue;
      telling[i] = true;
      queue.push_back(i);
    }
    while (!queue.empty()) {
      const uint32_t i = queue.front();
      queue.pop_front();
      for (const uint32_t from : back[i]) {
        if (telling[from]) continue;
        telling[from] = true;
        queue.push_back(from);
      }
    }
    return telling;
  }

  static void Quote(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
        out += c;
      } else {
        constexpr char kDigits[] = "0123456789abcdef";
        out += "\\u00";
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
      }
    }
    out += '"';
  }

  template <typename Set>
  static void Numbers(std::string& out, const Set& numbers) {
    out += '[';
    bool first = true;
    for (const auto number : numbers) {
      if (!first) out += ',';
      first = false;
      out += std::to_string(number);
    }
    out += ']';
  }

  std::string Text() const {
    const std::vector<bool> telling = Telling();
    std::vector<int64_t> place(nodes_.size(), -1);
    int64_t count = 0;
    for (size_t i = 0; i < nodes_.size(); i++) {
      if (telling[i]) place[i] = count++;
    }
    const auto placed = [&](const std::set<uint32_t>& functions) {
      std::vector<int64_t> made;
      for (const uint32_t function : functions) {
        if (place[function] >= 0) made.push_back(place[function]);
      }
      return made;
    };
    const auto placed_at = [&](const std::vector<uint64_t>& addresses) {
      std::set<int64_t> made;
      for (const uint64_t address : addresses) {
        const int64_t function = code_.Find(address);
        if (function >= 0 && place[function] >= 0) made.insert(place[function]);
      }
      return made;
    };
    // Symbols that something refers to, or that others may.
    std::map<uint32_t, size_t> symbols;
    std::string imports;
    const auto symbol = [&](uint32_t index) {
      const auto [at, added] = symbols.emplace(index, symbols.size());
      if (added) {
        const Symbol& one = elf_.dynamic_symbols[index];
        if (!imports.empty()) imports += ',';
        imports += '[';
        Quote(imports, one.name);
        imports += ',';
        Quote(imports, one.version);
        imports += ']';
      }
      return at->second;
    };
    const auto referred = [&](const std::set<uint32_t>& indexes) {
      std::vector<size_t> made;
      made.reserve(indexes.size());
      for (const uint32_t index : indexes) made.push_back(symbol(index));
      return made;
    };
    std::string functions;
    for (size_t i = 0; i < nodes_.size(); i++) {
      if (!telling[i]) continue;
      const Node& node = nodes_[i];
      if (!functions.empty()) functions += ',';
      functions += "{\"at\":" + std::to_string(code_.functions[i].start);
      if (!code_.functions[i].name.empty()) {
        functions += ",\"name\":";
        Quote(functions, code_.functions[i].name);
      }
      const auto list = [&](const char* name, const auto& numbers) {
        if (numbers.empty()) return;
        functions += std::string(",\"") + name + "\":";
        Numbers(functions, numbers);
      };
      list("calls", placed(node.calls));
      list("imports", referred(node.imports));
      list("takes", placed(node.takes));
      list("importTakes", referred(node.import_takes));
      list("native", node.native);
      list("foreign", node.foreign);
      if (!node.unresolved.empty())
        functions += ",\"unresolved\":" + std::to_string(node.unresolved.size());
      if (!node.wraps.empty()) functions += ",\"wraps\":true";
      functions += '}';
    }
    std::string exports;
    for (const Symbol& one : elf_.dynamic_symbols) {
      if (!one.defined || !one.function || !one.global || one.name.empty()) continue;
      const int64_t function = code_.Find(one.address);
      // What leads nowhere is still what an import binds to.
      const int64_t at = function < 0 ? -1 : place[function];
      if (!exports.empty()) exports += ',';
      exports += '[';
      Quote(exports, one.name);
      exports += ',';
      Quote(exports, one.version);
      exports += one.hidden_version ? ",0," : ",1,";
      exports += std::to_string(at) + ']';
    }
    const auto taken_imports = referred(code_.taken_imports);
    std::string out = "{\"version\":1,\"buildId\":";
    Quote(out, elf_.build_id);
    out += ",\"soname\":";
    Quote(out, elf_.soname);
    out += ",\"interpreter\":";
    Quote(out, elf_.interpreter);
    out += ",\"runPath\":";
    Quote(out, elf_.run_path);
    out += ",\"needed\":[";
    for (size_t i = 0; i < elf_.needed.size(); i++) {
      if (i > 0) out += ',';
      Quote(out, elf_.needed[i]);
    }
    out += std::string("],\"static\":") + (elf_.is_static ? "true" : "false");
    out += std::string(",\"go\":") + (code_.go ? "true" : "false");
    out += ",\"entry\":";
    const int64_t entry = elf_.entry == 0 ? -1 : code_.Find(elf_.entry);
    out += std::to_string(entry < 0 ? -1 : place[entry]);
    out += ",\"starts\":";
    Numbers(out, placed_at(elf_.start_functions));
    out += ",\"taken\":";
    Numbers(out, placed_at(code_.taken));
    out += ",\"takenImports\":";
    Numbers(out, taken_imports);
    out += ",\"imports\":[" + imports + "],\"exports\":[" + exports + "],\"functions\":[" +
           functions + "]";
    out += ",\"lookedUp\":";
    LookedUp(out);
    out += ",\"swept\":" + std::to_string(code_.functions.size());
    out += ",\"undecoded\":" + std::to_string(code_.undecoded);
    out += ",\"oddities\":" + std::to_string(elf_.oddities) + "}";
    return out;
  }

  // What dlsym may be asked for: every word in data that could be a symbol's name.
  void LookedUp(std::string& out) const {
    std::set<std::string_view> found;
    const bool asks = std::any_of(
        elf_.dynamic_symbols.begin(), elf_.dynamic_symbols.end(), [](const Symbol& one) {
          return !one.defined && (one.name == "dlsym" || one.name == "dlvsym");
        });
    for (const Segment& segment : elf_.segments) {
      if (!asks) break;
      const auto bytes = elf_.At(segment.address);
      size_t begin = 0;
      for (size_t i = 0; i < bytes.size() && found.size() < kMaxWords; i++) {
        const uint8_t c = bytes[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (letter || (c >= '0' && c <= '9' && i > begin)) continue;
        if (c == 0 && i - begin >= 3 && i - begin <= kMaxWord)
          found.emplace(reinterpret_cast<const char*>(bytes.data()) + begin, i - begin);
        begin = i + 1;
      }
    }
    out += '[';
    bool first = true;
    for (const std::string_view word : found) {
      if (!first) out += ',';
      first = false;
      Quote(out, word);
    }
    out += ']';
  }

  const Elf& elf_;
  Code code_;
  std::vector<Node> nodes_;
};

}  // namespace

std::string Scan(const Elf& elf) { return Writer(elf, Link(elf)).Text(); }

}  // namespace sysieve::reach

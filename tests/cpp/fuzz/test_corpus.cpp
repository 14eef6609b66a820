#include <catch2/catch.hpp>

#include <filesystem>
#include <set>
#include <string>

#include "../../fuzz/targets.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;

const fs::path kCorpus = fs::path(SECGAN_GOLDEN_DIR).parent_path() / "fuzz" / "corpus";

TEST_CASE("Every file that a fuzzer began with or found is read, or refused in one line", "[fuzz]") {
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(kCorpus)) folders.insert(entry.path().filename().string());
  for (const fuzz::Target& target : fuzz::targets()) {
    CAPTURE(target.name);
    CHECK(folders.erase(std::string(target.name)) == 1);
    for (const auto& entry : fs::directory_iterator(kCorpus / target.name)) {
      CAPTURE(entry.path().filename().string());
      CHECK_NOTHROW(fuzz::run(target, read_file(entry.path())));
    }
  }
  CHECK(folders.empty());
}

}  // namespace
}  // namespace secgan

#include <sys/resource.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

TEST_CASE("files come back byte for byte, empty ones and those with zeros too", "[io]") {
  const TemporaryFolder folder;
  std::string bytes(100'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  write_file(folder / "a", bytes);
  CHECK(read_file(folder / "a") == bytes);
  write_file(folder / "a", "");
  CHECK(read_file(folder / "a").empty());
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a missing file and a folder are told apart, both by name", "[io]") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(read_file(folder / "none"), FileNotFound);
  CHECK_THROWS_WITH(read_file(folder / "none"), Catch::Contains("none' is missing"));
  CHECK_THROWS_WITH(read_file(folder.path()), Catch::Contains(folder.path().string()) && Catch::Contains("is a folder"));
}

TEST_CASE("writing where no folder is names path and reason", "[io]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(write_file(folder / "none/a", "x"), Catch::Contains("none/a") && Catch::Contains("No such file"));
  fs::create_directory(folder / "taken");
  CHECK_THROWS_AS(write_file(folder / "taken", "x"), Error);
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a disk that fills up leaves the old file and no temporary", "[io]") {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  // A child with a limit on file sizes stands for the full disk: write() stores a part, then fails.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int result = 1;  // no exception
    try {
      write_file(folder / "a", std::string(10'000, 'x'));
    } catch (const Error& error) {
      const std::string message = error.what();
      const bool told = message.find((folder / "a").string()) != std::string::npos && message.find("File too large") != std::string::npos;
      result = told ? 0 : 2;
    }
    ::_exit(result);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(read_file(folder / "a") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("an atomic folder appears on commit and replaces the old one whole", "[io]") {
  const TemporaryFolder folder;
  const fs::path target = folder / "deep/bundle";
  {
    AtomicFolder made(target);
    write_file(made.path() / "new", "1");
    CHECK_FALSE(fs::exists(target));
    made.commit();
  }
  CHECK(read_file(target / "new") == "1");

  {
    AtomicFolder abandoned(target);
    write_file(abandoned.path() / "half", "2");
  }
  CHECK_FALSE(fs::exists(target / "half"));
  CHECK(read_file(target / "new") == "1");

  {
    AtomicFolder replaced(target.string() + "/");
    write_file(replaced.path() / "newer", "3");
    replaced.commit();
  }
  CHECK(read_file(target / "newer") == "3");
  CHECK_FALSE(fs::exists(target / "new"));
  CHECK(entries(target.parent_path()) == 1);
}

TEST_CASE("an atomic folder where a file stands above it is refused by name", "[io]") {
  const TemporaryFolder folder;
  folder.write("file", "x");
  CHECK_THROWS_WITH(AtomicFolder(folder / "file/bundle"), Catch::Contains("file/bundle") && Catch::Contains("cannot be written"));
}

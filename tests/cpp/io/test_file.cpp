#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstddef>
#include <thread>
#include <vector>

#include "secgan/core/error.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/nn/program.hpp"
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

TEST_CASE("what is no file is refused at once, by every reader and by its kind", "[io]") {
  const TemporaryFolder folder;
  const fs::path pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  fs::create_symlink(pipe, folder / "link.png");
  for (const fs::path& path : {pipe, folder / "link.png"}) {
    const auto refused = Catch::Contains(path.string() + "' cannot be read: it is a pipe, not a file");
    CHECK_THROWS_WITH(read_file(path), refused);
    CHECK_THROWS_WITH(sha256_file(path), refused);
    CHECK_THROWS_WITH(require_readable_file(path), refused);
    CHECK_THROWS_WITH(load_program(path), refused);
    CHECK_THROWS_WITH(write_file(path, "x"), Catch::Contains(path.string() + "' cannot be written: it is a pipe, not a file"));
  }
  CHECK_THROWS_WITH(read_file("/dev/zero"), Catch::Contains("is a device"));
  CHECK_THROWS_WITH(write_file("/dev/null", "x"), Catch::Contains("is a device"));
  CHECK(fs::is_character_file("/dev/null"));
  fs::create_symlink(folder / "nowhere", folder / "dangling");
  CHECK_THROWS_AS(read_file(folder / "dangling"), FileNotFound);
  fs::create_symlink(folder / "b", folder / "a");
  fs::create_symlink(folder / "a", folder / "b");
  CHECK_THROWS_WITH(read_file(folder / "a"), Catch::Contains("Too many levels"));
}

TEST_CASE("a file larger than the caller has a use for is refused before it is read", "[io]") {
  const TemporaryFolder folder;
  folder.write("a", "12345");
  CHECK(read_file(folder / "a", 5) == "12345");
  CHECK_THROWS_WITH(read_file(folder / "a", 4), Catch::Contains("has 5 bytes, more than the 4"));
  fs::resize_file(folder / "a", uint64_t{1} << 43);  // 8 TiB of nothing
  CHECK_THROWS_WITH(read_file(folder / "a"), Catch::Contains("has 8796093022208 bytes"));
  CHECK_FALSE(read_file("/proc/self/status").empty());  // its size is 0, its bytes are many
  CHECK_THROWS_WITH(read_file("/proc/self/status", 10), Catch::Contains("has more bytes than the 10"));
}

mode_t permissions(const fs::path& path) {
  struct stat about{};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

TEST_CASE("writing keeps a file's mode, follows links and respects the umask", "[io]") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder / "new", "1");
  make_folder(folder / "deep/deeper");
  ::umask(before);
  CHECK(permissions(folder / "new") == 0640);
  CHECK(permissions(folder / "deep/deeper") == 0750);
  ::chmod((folder / "new").c_str(), 0604);
  fs::create_symlink("new", folder / "link");
  write_file(folder / "link", "2");
  CHECK(permissions(folder / "new") == 0604);
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "new") == "2");
  fs::create_symlink("deep/later", folder / "ahead");
  write_file(folder / "ahead", "3");
  CHECK(read_file(folder / "deep/later") == "3");
  const std::string longest(255, 'n');
  write_file(folder / longest, "4");
  CHECK(read_file(folder / longest) == "4");
  CHECK_THROWS_WITH(write_file(folder / (longest + "n"), "5"), Catch::Contains("File name too long"));
  CHECK(entries(folder.path()) == 5);
}

TEST_CASE("a place to write is tried before the work, and nothing stays of the trial", "[io]") {
  const TemporaryFolder folder;
  folder.write("file", "x");
  CHECK_NOTHROW(require_writable_file(folder / "a/b/c.json"));
  CHECK_NOTHROW(require_writable_file(folder / "file"));
  CHECK_NOTHROW(require_writable_folder(folder / "a/b/"));
  CHECK_THROWS_WITH(require_writable_file(folder.path()), Catch::Contains("it is a folder, not a file"));
  CHECK_THROWS_WITH(require_writable_file(folder / "file/a.json"), Catch::Contains("/file' is a file, not a folder"));
  CHECK_THROWS_WITH(require_writable_folder(folder / "file"), Catch::Contains("/file' is a file, not a folder"));
  CHECK_THROWS_WITH(make_folder(folder / "file/deep"), Catch::Contains("/file' is a file, not a folder"));
  CHECK_THROWS_WITH(require_writable_folder("/proc/nothing"), Catch::Contains("'/proc/nothing': cannot be written"));
  fs::create_symlink("nowhere", folder / "dangling");
  CHECK_THROWS_WITH(require_writable_folder(folder / "dangling/deep"), Catch::Contains("is a link to nothing"));
  CHECK(entries(folder.path()) == 2);
}

/// A folder's only recognized content is one file "mine".
std::string why_not_mine(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != "mine") return "holds '" + entry.path().filename().string() + "', which is not mine";
  }
  return "";
}

void write_mine(const fs::path& target, const std::string& bytes) {
  AtomicFolder made(target, why_not_mine);
  write_file(made.path() / "mine", bytes);
  made.commit();
}

TEST_CASE("an atomic folder appears on commit and replaces a recognized one whole", "[io]") {
  const TemporaryFolder folder;
  const fs::path target = folder / "deep/bundle";
  {
    AtomicFolder made(target, why_not_mine);
    write_file(made.path() / "mine", "1");
    CHECK_FALSE(fs::exists(target));
    made.commit();
  }
  CHECK(read_file(target / "mine") == "1");
  {
    AtomicFolder abandoned(target, why_not_mine);
    write_file(abandoned.path() / "mine", "2");
  }
  CHECK(read_file(target / "mine") == "1");
  ::chmod(target.c_str(), 0701);
  fs::create_directory_symlink(target, folder / "link");
  write_mine(folder / "link/", "3");
  CHECK(read_file(target / "mine") == "3");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(permissions(target) == 0701);
  CHECK(entries(target) == 1);
  CHECK(entries(target.parent_path()) == 1);
  {
    const AtomicFolder abandoned(folder / "x/y/z");
  }
  CHECK_FALSE(fs::exists(folder / "x"));
  write_mine(folder / std::string(255, 'n'), "4");
}

TEST_CASE("a place that holds anything of the user's is refused and left as it is", "[io]") {
  const TemporaryFolder folder;
  folder.write("d/thesis.tex", "years");
  const auto refused = [&](const fs::path& target, const std::string& reason) {
    INFO(target.string());
    CHECK_THROWS_WITH(require_replaceable(target, why_not_mine), Catch::Contains(target.string()) && Catch::Contains(reason));
    CHECK_THROWS_WITH(AtomicFolder(target, why_not_mine), Catch::Contains(reason));
  };
  refused(folder / "d", "holds 'thesis.tex', which is not mine: it is left as it is");
  CHECK_THROWS_WITH(require_replaceable(folder / "d"), Catch::Contains("holds 'thesis.tex': it is left"));
  refused(folder / "d/thesis.tex", "is a file, not a folder");
  refused(folder / "d/thesis.tex/bundle", "thesis.tex' is a file, not a folder");
  fs::create_symlink("d/thesis.tex", folder / "link");
  refused(folder / "link", "is a file, not a folder");
  fs::create_symlink("nowhere", folder / "dangling");
  refused(folder / "dangling", "is a link to nothing");
  refused("/proc", "is a mount point");
  const fs::path here = fs::current_path();
  fs::create_directories(folder / "w/here");
  fs::current_path(folder / "w/here");
  for (const char* target : {".", "..", "../here", "/"}) refused(target, "is the current folder or above it");
  write_mine("new", "1");
  fs::current_path(here);
  CHECK(read_file(folder / "w/here/new/mine") == "1");
  // What comes between the look and the exchange stays too.
  write_mine(folder / "late", "1");
  AtomicFolder late(folder / "late", why_not_mine);
  write_file(late.path() / "mine", "2");
  folder.write("late/notes", "new");
  CHECK_THROWS_WITH(late.commit(), Catch::Contains("holds 'notes'"));
  CHECK(read_file(folder / "late/notes") == "new");
  CHECK(read_file(folder / "late/mine") == "1");
  CHECK(read_file(folder / "d/thesis.tex") == "years");
}

TEST_CASE("what a dead process left is removed, what a living one holds is not", "[io]") {
  const TemporaryFolder folder;
  folder.write("keep/.secgan-0123456789abcdeg.tmp", "not of our naming");
  fs::create_directories(folder / "keep");
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const auto child_that_holds_both = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      const AtomicFolder half(folder / "keep/bundle");
      write_file(half.path() / "part", "1");
      fs::create_directory_symlink("/", half.path() / "root");
      if (::write(ready[1], "x", 1) == 1) ::pause();
      ::_exit(1);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    return child;
  };
  const auto reap = [](pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  };
  const pid_t dead = child_that_holds_both();
  CHECK(entries(folder / "keep") == 2);
  reap(dead);
  CHECK(entries(folder / "keep") == 2);
  const pid_t alive = child_that_holds_both();  // its start removes what the first one left
  CHECK(entries(folder / "keep") == 2);
  write_file(folder / "keep/a", "1");
  CHECK(entries(folder / "keep") == 3);
  reap(alive);
  CHECK(fs::exists("/proc/self"));
}

TEST_CASE("several that save into one folder leave a whole one there at every moment", "[io]") {
  const TemporaryFolder folder;
  const fs::path target = folder / "bundle";
  write_mine(target, std::string(1000, 'z'));
  std::atomic<bool> stop{false};
  std::vector<std::thread> savers;
  for (char name : {'a', 'b', 'c', 'd'}) {
    savers.emplace_back([&, name] {
      for (int k = 0; k < 10; ++k) write_mine(target, std::string(1000, name));
    });
  }
  int64_t missing = 0, looks = 0;
  std::thread reader([&] {
    for (; !stop; ++looks) missing += fs::exists(target) ? 0 : 1;
  });
  for (std::thread& saver : savers) saver.join();
  stop = true;
  reader.join();
  CHECK(looks > 0);
  CHECK(missing == 0);
  const std::string bytes = read_file(target / "mine");
  CHECK(bytes == std::string(1000, bytes[0]));
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("where names cannot be exchanged a folder is replaced in two steps", "[io]") {
  const TemporaryFolder folder;
  write_mine(folder / "bundle", "1");
  const pid_t child = ::fork();
  if (child == 0) {
    // renameat2 as on a file system without it.
    std::array<sock_filter, 4> filter{
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_renameat2, 0, 1),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog program{filter.size(), filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(2);
    write_mine(folder / "bundle", "2");
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  CHECK(read_file(folder / "bundle/mine") == "2");
  CHECK(entries(folder.path()) == 1);
}

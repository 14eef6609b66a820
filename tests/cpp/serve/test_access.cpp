#include <catch2/catch.hpp>

#include "serve/access.hpp"

using namespace secgan::serve;

namespace {

Request asked(Texts headers) { return {.method = "POST", .path = "/api/photos", .headers = std::move(headers)}; }

/// 0 where the request passes.
int refused(const Access& access, Texts headers) {
  try {
    access.check(asked(std::move(headers)));
    return 0;
  } catch (const Refusal& refusal) {
    return refusal.answer().status;
  }
}

}  // namespace

TEST_CASE("requests must name the server", "[serve]") {
  const Access local("127.0.0.1", {"Faces.example"});
  for (const char* host :
       {"127.0.0.1:8080", "localhost:8080", "LOCALHOST", "localhost:9000", "127.1.2.3", "[::1]:8080", "faces.example", "faces.EXAMPLE:443"})
    CHECK(refused(local, {{"host", host}}) == 0);
  for (const char* host :
       {"", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.0.7:8080", "localhost:8080x",
        "localhost:", "localhost:123456", "[::1", "[::2]:8080", "localhost, evil.example", "user@localhost", "::1"}) {
    INFO(host);
    CHECK(refused(local, {{"host", host}}) == (std::string(host) == "localhost:" ? 0 : 421));
  }
  CHECK(refused(local, {}) == 421);
  CHECK(refused(local, {{"host", "localhost"}, {"host", "localhost"}}) == 400);
  // Where others may ask, they know the server by some address of it, and no name leads a page to one.
  const Access open("0.0.0.0", {});
  CHECK(refused(open, {{"host", "192.168.0.7:8080"}}) == 0);
  CHECK(refused(open, {{"host", "[fe80::7]:8080"}}) == 0);
  CHECK(refused(open, {{"host", "router.example:8080"}}) == 421);
}

TEST_CASE("pages of other origins may not ask", "[serve]") {
  const Access access("127.0.0.1", {"faces.example"});
  const auto from = [&](const char* origin, const char* host = "localhost:8080") {
    return refused(access, {{"host", host}, {"origin", origin}});
  };
  CHECK(from("http://localhost:8080") == 0);
  CHECK(from("https://localhost:8080") == 0);
  CHECK(from("https://faces.example", "faces.example") == 0);
  CHECK(from("https://faces.example", "127.0.0.1:8080") == 0);  // a proxy that writes its own Host
  for (const char* origin :
       {"null", "", "http://localhost", "http://localhost:8081", "http://127.0.0.1:8080", "https://evil.example", "ftp://localhost:8080",
        "http://localhost:8080.evil.example", "https://faces.example.evil.example", "https://evil.example/faces.example"}) {
    INFO(origin);
    CHECK(from(origin) == 403);
  }
  CHECK(is_loopback("127.0.0.1"));
  CHECK_FALSE(is_loopback("127.evil.example"));
  CHECK_FALSE(is_loopback("0.0.0.0"));
}

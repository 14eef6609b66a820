#pragma once
/// HTTP/1.1 on a socket, by GNU libmicrohttpd; what is asked and answered is somebody else's.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "serve/http.hpp"

namespace secgan::serve {

struct HttpOptions {
  std::string host = "127.0.0.1";            ///< a name or an address
  uint16_t port = 0;                         ///< 0: a free one
  uint64_t most_held = uint64_t{256} << 20;  ///< bytes of all bodies that are held at once
  Texts headers = {};                        ///< of every answer that does not say otherwise
};

/// What a server asks of its owner; all but `done` in its own thread, so that only what takes no time belongs there.
struct HttpOwner {
  /// Before a byte of the body is read.
  /// @param length  of the body   @throws Refusal
  std::function<void(const Request& request, uint64_t length)> admit;
  /// Calls `done` once, from any thread, or before it returns; the request lives until then.
  std::function<void(const Request& request, std::function<void(Answer)> done)> answer;
  /// When an answer is sent, or was not wanted any more.
  std::function<void(const Request& request, const Answer& answer, std::chrono::steady_clock::duration took)> log;
};

/// Connections are at most 64, 16 of one address, and are closed after 30 seconds without a byte. Bodies come with their length: chunked
/// ones are refused (411), as their end cannot be known in time. What is refused is read, if at all, without being kept.
class HttpServer {
 public:
  /// Listens.  @throws Error naming host and port
  HttpServer(const HttpOptions& options, HttpOwner owner);
  /// Every answer that was asked for must have come; those that are on their way are given two seconds.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Connections that are there go on, no others come.
  void stop_listening();

  /// As it is typed: "127.0.0.1:8080", "[::1]:8080".
  const std::string& place() const { return place_; }

 private:
  struct Running;
  std::unique_ptr<Running> running_;
  std::string place_;
};

}  // namespace secgan::serve

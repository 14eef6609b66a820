#include "serve/http_server.hpp"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan::serve {
namespace {

constexpr uint64_t kMostDiscarded = uint64_t{64} << 20;
constexpr unsigned kConnections = 64, kConnectionsOfAddress = 16, kIdleSeconds = 30;

std::string_view lowered(std::string& text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Of IPv6 the network's half, as whoever has one address there has all of them.
std::string address_of(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    return inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
  }
  if (address->sa_family != AF_INET6) return "";
  sockaddr_in6 six{};
  std::memcpy(&six, address, sizeof six);
  if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) return inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], text.data(), text.size());
  std::fill(std::begin(six.sin6_addr.s6_addr) + 8, std::end(six.sin6_addr.s6_addr), 0);
  return inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
}

/// A socket that listens, and where.
std::pair<int, std::string> listening(const std::string& host, uint16_t port) {
  const auto failed = [&](std::string_view why) { return Error(fmt::format("port {} of '{}' cannot be used: {}", port, host, why)); };
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &list); error != 0)
    throw failed(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(list, &freeaddrinfo);
  const int made = ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
  const auto give_up = [&] {
    const int error = errno;
    if (made >= 0) ::close(made);
    return failed(std::generic_category().message(error));
  };
  if (made < 0) throw give_up();
  const int yes = 1;
  if (::setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) throw give_up();
  if (::bind(made, found->ai_addr, found->ai_addrlen) != 0 || ::listen(made, SOMAXCONN) != 0) throw give_up();
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (::getsockname(made, reinterpret_cast<sockaddr*>(&own), &length) != 0) throw give_up();
  std::array<char, NI_MAXHOST> name{};
  std::array<char, NI_MAXSERV> service{};
  getnameinfo(reinterpret_cast<sockaddr*>(&own), length, name.data(), name.size(), service.data(), service.size(),
              NI_NUMERICHOST | NI_NUMERICSERV);
  return {made, fmt::format(own.ss_family == AF_INET6 ? fmt::runtime("[{}]:{}") : fmt::runtime("{}:{}"), name.data(), service.data())};
}

}  // namespace

/// A request's way through.
struct Exchange {
  Request request;
  std::optional<Answer> answer;
  uint64_t length = 0;  ///< of the body that was announced
  uint64_t discarded = 0;
  bool asked = false;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

namespace {

/// How long the body is that a request announces.
uint64_t announced_length(const Request& request) {
  if (request.header("transfer-encoding") != nullptr)
    throw Refusal(411, "length", "the header Content-Length must say how long the body is: chunked bodies are not taken");
  const std::string* const text = request.header("content-length");
  if (text == nullptr) {
    if (request.method == "POST") throw Refusal(411, "length", "the header Content-Length must say how long the body is");
    return 0;
  }
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (error != std::errc{} || end != text->data() + text->size())
    throw Refusal(400, "invalid", fmt::format("the header Content-Length must be a whole number, found '{}'", *text));
  return length;
}

}  // namespace

struct HttpServer::Running {
  HttpOptions options;
  HttpOwner owner;
  MHD_Daemon* daemon = nullptr;
  uint64_t held = 0;                 ///< bytes of bodies; of the server's own thread
  std::atomic<size_t> answering{0};  ///< requests that were asked, and not yet answered to the last byte

  /// Of the body, which nobody needs any more while the answer is sent.
  void let_go(Exchange& exchange) {
    held -= exchange.request.body.size();
    exchange.request.body = std::string();
  }

  MHD_Result send(MHD_Connection* connection, Exchange& exchange) {
    let_go(exchange);
    const Answer& answer = *exchange.answer;
    static const std::string kNothing;
    const std::string& body = answer.body ? *answer.body : kNothing;
    // The exchange, which holds the body, outlives the response.
    MHD_Response* const response =
        MHD_create_response_from_buffer(body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_PERSISTENT);  // NOLINT: never written to
    if (response == nullptr) return MHD_NO;
    const auto add = [&](const std::string& name, const std::string& value) {
      MHD_add_response_header(response, name.c_str(), value.c_str());
    };
    for (const auto& [name, value] : options.headers) {
      if (std::ranges::find(answer.headers, name, &Texts::value_type::first) == answer.headers.end()) add(name, value);
    }
    for (const auto& [name, value] : answer.headers) add(name, value);
    if (!answer.type.empty()) add("Content-Type", answer.type);
    const MHD_Result sent = MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
    MHD_destroy_response(response);
    return sent;
  }

  /// The head of a request.
  MHD_Result begin(MHD_Connection* connection, const char* url, const char* method, void** state) {
    auto& exchange = *new Exchange{.request = {.method = method, .path = url}};  // NOLINT: `completed` deletes it
    *state = &exchange;
    const auto collect = [](void* to, MHD_ValueKind, const char* name, const char* value) {
      static_cast<Texts*>(to)->emplace_back(name, value != nullptr ? value : "");
      return MHD_YES;
    };
    MHD_get_connection_values(connection, MHD_HEADER_KIND, collect, &exchange.request.headers);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, collect, &exchange.request.query);
    for (auto& [name, value] : exchange.request.headers) lowered(name);
    const MHD_ConnectionInfo* const client = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (client != nullptr && client->client_addr != nullptr) exchange.request.address = address_of(client->client_addr);
    try {
      exchange.length = announced_length(exchange.request);
      owner.admit(exchange.request, exchange.length);
      if (held + exchange.length > options.most_held) {
        throw Refusal(503, "busy", "too many photos are on their way", {{"Retry-After", "1"}});
      }
      return MHD_YES;
    } catch (const Refusal& refusal) {
      exchange.answer = refusal.answer();
    } catch (const std::exception& error) {
      exchange.answer = Refusal(500, "unexpected", error.what()).answer();
    }
    const auto is_there = [&](std::string_view name) {
      return std::ranges::find(exchange.request.headers, name, &Texts::value_type::first) != exchange.request.headers.end();
    };
    if (!is_there("content-length") && !is_there("transfer-encoding")) return send(connection, exchange);
    // Who waits before sending the body (curl: Expect) is told at once. Others look at an answer when they have sent everything, and would
    // see a broken connection instead: what they send is read, and thrown away.
    if (!is_there("expect") && exchange.length <= kMostDiscarded) return MHD_YES;
    exchange.answer->headers.emplace_back("Connection", "close");  // the body must not be taken for the next request
    return send(connection, exchange);
  }

  MHD_Result handle(MHD_Connection* connection, const char* url, const char* method, const char* data, size_t* size, void** state) {
    if (*state == nullptr) return begin(connection, url, method, state);
    Exchange& exchange = *static_cast<Exchange*>(*state);
    if (*size > 0 && exchange.answer) {
      exchange.discarded += std::exchange(*size, 0);
      return exchange.discarded <= kMostDiscarded ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
      if (exchange.request.body.size() + *size > exchange.length || held + *size > options.most_held) return MHD_NO;
      exchange.request.body.append(data, *size);
      held += *size;
      *size = 0;
      return MHD_YES;
    }
    if (!exchange.answer && !exchange.asked) {
      exchange.asked = true;
      ++answering;
      MHD_suspend_connection(connection);
      const auto done = [&exchange, connection](Answer answer) {
        exchange.answer = std::move(answer);
        MHD_resume_connection(connection);
      };
      owner.answer(exchange.request, done);
      return MHD_YES;
    }
    return send(connection, exchange);
  }

  void completed(void** state) {
    auto* const exchange = static_cast<Exchange*>(*state);
    if (exchange == nullptr) return;
    *state = nullptr;
    let_go(*exchange);
    if (exchange->asked) --answering;
    if (owner.log && exchange->answer) owner.log(exchange->request, *exchange->answer, std::chrono::steady_clock::now() - exchange->began);
    delete exchange;  // NOLINT: made in `begin`
  }
};

HttpServer::HttpServer(const HttpOptions& options, HttpOwner owner) : running_(std::make_unique<Running>()) {
  running_->options = options;
  running_->owner = std::move(owner);
  const auto [made, place] = listening(options.host, options.port);
  place_ = place;
  const MHD_AccessHandlerCallback handle = [](void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                                              const char* data, size_t* size, void** state) {
    return static_cast<Running*>(self)->handle(connection, url, method, data, size, state);
  };
  const MHD_RequestCompletedCallback completed = [](void* self, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
    static_cast<Running*>(self)->completed(state);
  };
  // What is escaped stays so: nothing that is served has such a name.
  const auto unescaped = +[](void*, MHD_Connection*, char* text) { return std::strlen(text); };
  running_->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_SUSPEND_RESUME, 0, nullptr, nullptr, handle,
                                      running_.get(), MHD_OPTION_LISTEN_SOCKET, made, MHD_OPTION_NOTIFY_COMPLETED, completed,
                                      running_.get(), MHD_OPTION_UNESCAPE_CALLBACK, unescaped, nullptr, MHD_OPTION_CONNECTION_LIMIT,
                                      kConnections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, kConnectionsOfAddress,
                                      MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (running_->daemon != nullptr) return;
  ::close(made);
  throw Error(fmt::format("the server on {} cannot be started", place_));
}

void HttpServer::stop_listening() {
  if (const int left = MHD_quiesce_daemon(running_->daemon); left >= 0) ::close(left);
}

HttpServer::~HttpServer() {
  constexpr int kSteps = 200;
  for (int i = 0; i < kSteps && running_->answering > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  MHD_stop_daemon(running_->daemon);
}

}  // namespace secgan::serve

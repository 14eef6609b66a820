#include <algorithm>
#include <string>

#include "serve/access.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// Host in the first line, Origin in the rest: whoever passes names this machine, or the one name that was added.
void request_host(std::string_view bytes) {
  static const serve::Access access("127.0.0.1", {"faces.example"});
  const size_t end = std::min(bytes.find('\n'), bytes.size());
  serve::Request request{.method = "GET", .path = "/", .headers = {{"host", std::string(bytes.substr(0, end))}}};
  if (end < bytes.size()) request.headers.emplace_back("origin", bytes.substr(end + 1));
  try {
    access.check(request);
  } catch (const serve::Refusal& refusal) {
    require(std::string_view(refusal.what()).find('\n') == std::string_view::npos, "a refusal of several lines");
    return;
  }
  std::string host = request.headers[0].second;
  if (const size_t port = host.find_last_of(':'); port != std::string::npos && !host.ends_with(']')) host.resize(port);
  std::ranges::transform(host, host.begin(),
                         [](unsigned char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c); });
  const bool four = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
  const bool six = host.starts_with("[") && host.find_first_not_of("[]0123456789abcdef:.") == std::string::npos;
  require(four || six || host == "localhost" || host == "faces.example", "a host of a stranger's");
}

}  // namespace secgan::fuzz

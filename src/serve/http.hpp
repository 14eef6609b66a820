#pragma once
/// Requests and answers of HTTP, without a socket.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace secgan::serve {

using Texts = std::vector<std::pair<std::string, std::string>>;  ///< by name, in the order in which they came

struct Request {
  std::string method;   ///< "GET", "HEAD", "POST", …
  std::string path;     ///< "/api/photos", as it came: nothing in it is unescaped
  Texts query = {};     ///< values as they came, too
  Texts headers = {};   ///< names in lower case
  std::string address;  ///< of who asks; of IPv6 the network's half
  std::string body = {};

  /// The value of a header that may be there once.
  /// @param name  in lower case   @return nullptr where it is missing   @throws Refusal where there are several
  const std::string* header(std::string_view name) const;
};

struct Answer {
  int status = 200;
  std::string type = "application/json";
  std::shared_ptr<const std::string> body = {};  ///< empty: none
  Texts headers = {};
};

/// A request that is not carried out, as {"error": {"kind", "message"}}.
class Refusal : public std::runtime_error {
 public:
  /// @param kind  a word for programs   @param message  one line for people
  Refusal(int status, std::string kind, std::string_view message, Texts headers = {});
  Answer answer() const;

 private:
  int status_;
  std::string kind_;
  Texts headers_;
};

/// An answer that holds this text.
Answer answer_with(std::string text, std::string type = "application/json", int status = 200);

}  // namespace secgan::serve

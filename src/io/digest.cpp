#include "secgan/io/digest.hpp"

#include <ATen/ATen.h>
#include <openssl/evp.h>

#include <array>
#include <limits>
#include <memory>
#include <vector>

#include "core/format.hpp"
#include "io/temporary.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

class Sha256 {
 public:
  Sha256() {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) fail();
  }
  void update(std::string_view bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) fail();
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(context_.get(), digest.data(), &size) != 1) fail();
    std::string out;
    for (unsigned int i = 0; i < size; ++i) fmt::format_to(std::back_inserter(out), "{:02x}", digest[i]);
    return out;
  }

 private:
  [[noreturn]] static void fail() { throw Error("libcrypto has no SHA-256 here"); }

  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  const detail::RegularFile file(path, std::numeric_limits<uint64_t>::max());
  Sha256 digest;
  std::vector<char> piece(1 << 20);
  while (const size_t got = file.read(piece.data(), piece.size())) digest.update({piece.data(), got});
  return digest.hex();
}

std::string sha256_tensors(const NamedTensors& tensors) {
  Sha256 digest;
  for (const auto& [name, tensor] : tensors) {
    digest.update(fmt::format("{} {} [{}]\n", name, c10::toString(tensor.scalar_type()), fmt::join(tensor.sizes(), ", ")));
    const at::Tensor values = tensor.detach().cpu().contiguous();
    if (values.numel() > 0) digest.update({static_cast<const char*>(values.const_data_ptr()), values.nbytes()});
  }
  return digest.hex();
}

std::string sha256_rounded_tensors(NamedTensors tensors) {
  for (auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point()) tensor = tensor.detach().to(at::kHalf);
  }
  return sha256_tensors(tensors);
}

}  // namespace secgan

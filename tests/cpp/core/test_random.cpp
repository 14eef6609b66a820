#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <functional>
#include <set>
#include <stdexcept>
#include <thread>

#include "secgan/core/random.hpp"
#include "secgan/core/threads.hpp"

using namespace secgan;

namespace {

at::Tensor random_state() { return at::detail::getDefaultCPUGenerator().get_state(); }

}  // namespace

TEST_CASE("a seed guard lends another random state and gives the process its own back", "[core]") {
  torch::manual_seed(11);
  torch::randn({1});  // one of a pair of normal numbers waits in the state
  const at::Tensor before = random_state();
  at::Tensor drawn;
  {
    const SeedGuard guard(5);
    drawn = torch::rand({8});
    {
      const SeedGuard inner(6);
      CHECK_FALSE(at::equal(torch::rand({8}), drawn));
    }
    drawn = at::cat({drawn, torch::rand({8})});
  }
  CHECK(at::equal(random_state(), before));
  const at::Tensor next = torch::randn({3});
  torch::manual_seed(11);
  torch::randn({1});
  CHECK(at::equal(torch::randn({3}), next));
  // What was drawn followed from the guard's seed, the inner guard notwithstanding.
  torch::manual_seed(5);
  CHECK(at::equal(torch::rand({16}), drawn));
}

TEST_CASE("a guarded thread draws like a seeded process, which it leaves alone meanwhile, as other threads do it", "[core]") {
  // Each draws from LibTorch's default generator, first weights and dropout included.
  const std::vector<std::pair<std::string, std::function<at::Tensor()>>> kinds{
      {"uniform", [] { return torch::rand({5}); }},
      {"normal", [] { return torch::randn({5}); }},
      {"integers", [] { return torch::randint(100, {5}); }},
      {"permutation", [] { return torch::randperm(9); }},
      {"choice", [] { return torch::multinomial(torch::ones({9}), 5); }},
      {"coins", [] { return torch::bernoulli(torch::full({9}, 0.5)); }},
      {"exponential", [] { return torch::empty({5}).exponential_(); }},
      {"poisson", [] { return torch::poisson(torch::full({9}, 4.0)); }},
      {"dropout", [] { return torch::dropout(torch::ones({32}), 0.5, true); }},
      {"linear", [] { return torch::nn::Linear(3, 4)->weight.detach(); }},
      {"convolution", [] { return torch::nn::Conv2d(3, 4, 2)->bias.detach(); }},
      {"Glorot", [] { return torch::nn::init::xavier_normal_(torch::empty({4, 4})); }},
  };
  for (const auto& [name, draw] : kinds) {
    INFO(name);
    torch::manual_seed(7);
    const at::Tensor expected = draw();
    torch::manual_seed(1);
    const at::Tensor before = random_state();
    const SeedGuard guard(7);
    CHECK(at::equal(draw(), expected));
    CHECK(at::equal(random_state(), before));
    const at::Generator named = seeded_generator(3);
    CHECK(at::equal(at::rand({3}, named), at::rand({3}, seeded_generator(3))));
    at::Tensor elsewhere;
    std::thread([&] {
      elsewhere = torch::rand({3});
      const SeedGuard other(8);
      draw();
    }).join();
    torch::manual_seed(1);
    std::thread([&] { CHECK(at::equal(torch::rand({3}), elsewhere)); }).join();
  }
}

TEST_CASE("gradients flow through what a guarded thread draws", "[core]") {
  const SeedGuard guard(7);
  const at::Tensor x = torch::ones({64}).requires_grad_();
  const at::Tensor y = torch::dropout(x, 0.5, true);
  y.sum().backward();
  CHECK(at::equal(x.grad(), y.detach()));
  CHECK(y.eq(0).any().item<bool>());
}

TEST_CASE("a seed guard gives back after an exception too", "[core]") {
  torch::manual_seed(12);
  const at::Tensor before = random_state();
  const auto draw_and_fail = [] {
    const SeedGuard guard(5);
    torch::rand({8});
    throw std::runtime_error("no");
  };
  CHECK_THROWS(draw_and_fail());
  CHECK(at::equal(random_state(), before));
}

TEST_CASE("a thread guard sets the number of threads and gives the process its own back", "[core]") {
  const int before = at::get_num_threads();
  {
    const ThreadGuard guard(before + 1);
    CHECK(at::get_num_threads() == before + 1);
    const ThreadGuard as_it_is(0);
    CHECK(at::get_num_threads() == before + 1);
  }
  CHECK(at::get_num_threads() == before);
  const auto fail = [&] {
    const ThreadGuard guard(before + 2);
    throw std::runtime_error("no");
  };
  CHECK_THROWS(fail());
  CHECK(at::get_num_threads() == before);
}

TEST_CASE("a seeded generator follows from its seed and leaves the process's alone", "[core]") {
  const at::Tensor before = random_state();
  const auto draw = [](uint64_t seed) { return at::rand({4}, seeded_generator(seed)); };
  CHECK(at::equal(draw(1), draw(1)));
  CHECK_FALSE(at::equal(draw(1), draw(2)));
  CHECK(at::equal(random_state(), before));
}

TEST_CASE("mixed seeds differ for each seed, counter, order and purpose", "[core]") {
  std::set<uint64_t> seen;
  int64_t count = 0;
  const auto add = [&](uint64_t value) {
    seen.insert(value);
    ++count;
  };
  for (uint64_t seed = 0; seed < 8; ++seed) {
    add(mix_seed(seed));
    for (int64_t a = 0; a < 8; ++a) {
      add(mix_seed(seed, a));
      for (int64_t b = 0; b < 8; ++b) add(mix_seed(seed, a, b));
    }
    for (const RandomPurpose purpose : {RandomPurpose::kMirroring, RandomPurpose::kTargets, RandomPurpose::kHostPenalty,
                                        RandomPurpose::kIdentity, RandomPurpose::kDrawnLabels}) {
      add(mix_seed(seed, purpose));
    }
  }
  CHECK(static_cast<int64_t>(seen.size()) == count);
}

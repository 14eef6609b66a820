#include "secgan/data/check.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "core/message_kind.hpp"
#include "data/each_sample.hpp"

namespace secgan {
AttributeCounts count_attributes(const Dataset& data) {
  AttributeCounts counts{.shown = std::vector<int64_t>(static_cast<size_t>(data.attributes().size()))};
  for (int64_t i = 0; i < data.size(); ++i) {
    const at::Tensor labels = data.labels(i);
    if (!labels.defined()) continue;
    ++counts.photos;
    const auto shown = labels.accessor<float, 1>();
    for (size_t a = 0; a < counts.shown.size(); ++a) counts.shown[a] += shown[static_cast<int64_t>(a)] > 0.5F ? 1 : 0;
  }
  return counts;
}

std::vector<DataFault> group_problems(const std::vector<DataProblem>& problems) {
  std::vector<DataFault> faults;
  std::unordered_map<std::string, size_t> known;
  for (const DataProblem& problem : problems) {
    const auto [place, fresh] = known.emplace(message_kind(problem.problem), faults.size());
    if (fresh) faults.push_back({problem.problem, {}});
    faults[place->second].samples.push_back(problem.sample);
  }
  std::ranges::stable_sort(faults, std::ranges::greater(), [](const DataFault& fault) { return fault.samples.size(); });
  return faults;
}

std::vector<DataProblem> check_data(const Dataset& data, int threads, const std::function<void(int64_t done)>& progress) {
  std::mutex reporting;
  int64_t done = 0;
  std::vector<std::string> found(static_cast<size_t>(data.size()));
  for_each_sample(data.size(), threads, [&](int64_t i) {
    try {
      data.get(i);
    } catch (const std::exception& error) {
      found[static_cast<size_t>(i)] = error.what();
    }
    if (!progress) return;
    const std::scoped_lock lock(reporting);
    progress(++done);
  });
  std::vector<DataProblem> problems;
  for (int64_t i = 0; i < data.size(); ++i) {
    if (!found[static_cast<size_t>(i)].empty()) problems.push_back({data.sample_name(i), found[static_cast<size_t>(i)]});
  }
  return problems;
}

}  // namespace secgan

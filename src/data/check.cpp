#include "secgan/data/check.hpp"

#include <exception>
#include <mutex>

#include "data/each_sample.hpp"

namespace secgan {

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

// The program: loads an Expert, runs its events one by one, obeys lines on stdin, answers on stdout.
//
// usage: host EXPERT.so; environment: MQL_INPUT_name (inputs), MQL_SEED, MQL_QUIRKS, MQL_HEDGING,
// MQL_LOGIN, MQL_SERVER, MQL_STEP_MS, MQL_COUNT_FROM. `restart` takes the Expert out of memory, so
// that its globals begin anew; `turn` does not, as the terminal does not for another timeframe.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "terminal.hpp"

namespace terminal {

namespace {

struct Expert {
  void *library = nullptr;
  std::string path;
  bool failed = false;
  bool stopping = false;

  template <class F>
  F *entry(const char *name) {
    return library ? reinterpret_cast<F *>(dlsym(library, name)) : nullptr;
  }

  void load() {
    timer_ms = 0;
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      std::fprintf(stderr, "cannot load the Expert: %s\n", dlerror());
      std::_Exit(2);
    }
    begin();
  }

  void begin() {
    auto *init = entry<int()>("expert_init");
    int said = init ? init() : 0;
    say('!', "init " + std::to_string(said));
    if (said != 0) unload(mql::REASON_INITFAILED);
  }

  void end(int reason) {
    stopping = true;
    if (auto *deinit = entry<void(int)>("expert_deinit")) deinit(reason);
    stopping = false;
  }

  void unload(int reason) {
    if (library == nullptr) return;
    end(reason);
    forget();
  }

  // Another timeframe of the chart: the Expert stays in memory and its globals keep their values.
  void turn() {
    if (library == nullptr) return load();
    end(mql::REASON_CHARTCHANGE);
    begin();
  }

  // As when the terminal dies: no word to anybody.
  void forget() {
    close_sockets();
    timer_ms = 0;
    if (library != nullptr) dlclose(library);
    library = nullptr;
  }
};

Expert expert;
std::deque<Event> queue;
bool queued[EVENTS] = {};
long due_ms = 0;

void handle(Event event) {
  ++counters.events[event];
  try {
    if (event == NEW_TICK) {
      if (auto *run = expert.entry<void()>("expert_tick")) run();
    } else if (event == TIMER) {
      if (auto *run = expert.entry<void()>("expert_timer")) run();
    } else {
      trading::deliver(reinterpret_cast<void *>(expert.entry<void()>("expert_transaction")));
    }
  } catch (const Died &died) {
    expert.forget();
    say('!', "died");
    if (died.again) expert.load();
  }
}

std::string report() {
  std::ostringstream out;
  out << "{\"ticks\":{";
  for (auto &one : market)
    out << (&one == &market[0] ? "" : ",") << quoted(one.name) << ":" << one.ticks.size();
  out << "},\"stream_left\":" << stream.left << ",\"order_sends\":" << counters.order_sends
      << ",\"opens\":" << counters.opens << ",\"dials\":" << counters.dials
      << ",\"tick_events\":" << counters.events[NEW_TICK]
      << ",\"tick_events_lost\":" << counters.lost_events[NEW_TICK]
      << ",\"timer_events\":" << counters.events[TIMER] << ",\"prints\":" << counters.prints
      << ",\"sockets\":" << open_sockets() << ",\"timer_ms\":" << timer_ms
      << ",\"mono_ms\":" << mono_ms() << ",\"server_ms\":" << server_ms()
      << ",\"faults\":" << faults.size()
      << ",\"loaded\":" << (expert.library ? "true" : "false") << "," << trading::report() << "}";
  return out.str();
}

// Commands about clock and market; returns whether it was one.
bool market_command(const std::vector<std::string> &words) {
  auto number = [&](std::size_t at) { return at < words.size() ? std::stod(words[at]) : 0.0; };
  auto whole = [&](std::size_t at) { return static_cast<long>(number(at)); };
  const std::string &name = words[0];
  Listed *one = words.size() > 1 ? listed(words[1]) : nullptr;
  if (name == "tick" && one) tick(*one, number(2), number(3));
  else if (name == "burst" && one) walk(*one, whole(2));
  else if (name == "stream") stream = {whole(1), whole(2), whole(3)};
  else if (name == "copies_fail" && one) one->broken_copies = whole(2);
  else if (name == "copies_late" && one) one->late_copies = whole(2);
  else if (name == "histories_fail") broken_histories = whole(1);
  else if (name == "slips") slips = whole(1);
  else if (name == "history_late") late_ms = whole(1);
  else if (name == "filling" && one) one->filling = whole(2);
  else if (name == "mode" && one) one->mode = whole(2);
  else if (name == "contract" && one) one->contract = number(2);
  else if (name == "bar") bar_by_hand = (bar_by_hand ? bar_by_hand : server_ms() / 60'000) + 1;
  else if (name == "clock") now.jumped_ms += whole(1);
  else if (name == "step") now.step_ms = whole(1);
  else if (name == "offset") now.offset_ms = whole(1);
  else if (name == "history_from") history_from_ms = whole(1);
  else return false;
  return true;
}

// Commands about the terminal and its Expert; returns whether it was one.
bool terminal_command(const std::vector<std::string> &words) {
  const std::string &name = words[0];
  bool on = words.size() > 1 && words[1] == "1";
  if (name == "connected") account.connected = on;
  else if (name == "algo") account.algo = on;
  else if (name == "account_allowed") account.trade_allowed = on;
  else if (name == "hedging") account.hedging = on;
  else if (name == "address_allowed") allowed_address = on;
  else if (name == "cut") cut_sockets();
  else if (name == "login") account.login = std::stol(words.at(1));
  else if (name == "leak") *new (std::nothrow) volatile char[77] = 1;
  else if (name == "turn") expert.turn();
  else if (name == "restart") expert.unload(mql::REASON_RECOMPILE), expert.load();
  else if (name == "remove") expert.unload(mql::REASON_REMOVE);
  else if (name == "kill") { expert.forget(); expert.load(); }
  else if (name == "fault") {
    Fault fault{words.at(1)};
    if (words.size() > 2) fault.percent = fault.code = std::stol(words[2]);
    faults.push_back(fault);
  } else return false;
  return true;
}

void obey(const std::string &line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  if (words.empty()) return;
  bool known = words[0] == "report" || words[0] == "quit" || market_command(words) ||
               terminal_command(words) || trading::command(words);
  if (!known) {
    say('=', "{\"error\":" + quoted("no such command: " + line) + "}");
  } else if (words[0] == "quit") {
    expert.unload(mql::REASON_REMOVE);
    say('=', report());
    std::exit(0);
  } else {
    say('=', words[0] == "report" ? report() : "{}");
  }
}

void hear(std::string &held) {
  char bytes[4096];
  ssize_t count = read(0, bytes, sizeof bytes);
  if (count == 0) {
    expert.unload(mql::REASON_CLOSE);
    std::exit(0);
  }
  if (count > 0) held.append(bytes, static_cast<std::size_t>(count));
  for (std::size_t end; (end = held.find('\n')) != std::string::npos;) {
    std::string line = held.substr(0, end);
    held.erase(0, end + 1);
    obey(line);
  }
}

// Waits for a command or the timer. With MQL_STEP_MS the clock jumps instead: to the timer when
// bytes for the Expert are there or a millisecond has passed, by steps when it has no connection.
void wait(std::string &held) {
  std::vector<pollfd> heard{{0, POLLIN, 0}};
  bool jumps = now.step_ms > 0 && timer_ms > 0;
  for (int one : jumps ? socket_numbers() : std::vector<int>{}) heard.push_back({one, POLLIN, 0});
  bool alone = jumps && heard.size() == 1;
  long left = timer_ms > 0 ? std::max(due_ms - mono_ms(), 0L) : 50;
  bool busy = alone || !queue.empty() || stream.left > 0;
  int ready = poll(heard.data(), heard.size(), busy ? 0 : static_cast<int>(std::min(left, jumps ? 1L : 50L)));
  bool commanded = heard[0].revents != 0;
  if (jumps && (alone || ready == 0 || ready > commanded))
    now.jumped_ms += std::max(alone ? std::max(left, now.step_ms) : left, 0L);
  if (commanded) hear(held);
}

void run() {
  std::string held;
  for (;;) {
    wait(held);
    market_moves(true);
    if (timer_ms == 0) {
      due_ms = 0;
    } else if (mono_ms() >= due_ms) {
      due_ms = mono_ms() + timer_ms;
      raise(TIMER);
    }
    if (queue.empty()) continue;
    Event event = queue.front();
    if (expert.library != nullptr) handle(event);
    queue.pop_front();
    queued[event] = false;
  }
}

}  // namespace

std::deque<Fault> faults;
long broken_histories = 0, slips = 0, late_ms = 0;
Account account;

// A tick or timer event that waits, or is being handled, makes another one vanish.
void raise(Event event) {
  if (queued[event] && event != TRANSACTION) {
    ++counters.lost_events[event];
    return;
  }
  queued[event] = true;
  queue.push_back(event);
}

bool take(const char *kinds, Fault &fault) {
  if (faults.empty()) return false;
  std::string among = std::string(" ") + kinds + " ";
  if (among.find(" " + faults.front().kind + " ") == std::string::npos) return false;
  fault = faults.front();
  faults.pop_front();
  return true;
}

bool stopping() { return expert.stopping; }
void remove_expert() { throw Died{false}; }

}  // namespace terminal

namespace mql {
long ChartID() { return 131234567890123456L; }
bool IsStopped() { return terminal::stopping(); }
int UninitializeReason() { return REASON_REMOVE; }
void ExpertRemove() {
  terminal::say('!', "removed");
  terminal::remove_expert();
}
}  // namespace mql

int main(int count, char **words) {
  using namespace terminal;
  if (count != 2) return 2;
  auto said = [](const char *name, const char *otherwise) {
    const char *found = std::getenv(name);
    return std::string(found ? found : otherwise);
  };
  chance_state = std::stoul(said("MQL_SEED", "1"));
  quirks = said("MQL_QUIRKS", "0") == "1";
  account.hedging = said("MQL_HEDGING", "0") == "1";
  account.login = std::stol(said("MQL_LOGIN", "51001234"));
  account.server = said("MQL_SERVER", "Broker-Demo");
  now.step_ms = std::stol(said("MQL_STEP_MS", "0"));
  now.count_from = std::stol(said("MQL_COUNT_FROM", "0"));
  market.resize(3);
  market[0].name = "EURUSD", market[1].name = "GBPUSD", market[2].name = "USDJPY";
  market[2].digits = 3, market[2].point = 0.001;
  expert.path = words[1];
  try {
    expert.load();
  } catch (const Died &) {
    expert.forget();
  }
  run();
}

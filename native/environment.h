#ifndef CALIBR8_ENVIRONMENT_H_
#define CALIBR8_ENVIRONMENT_H_

#include <napi.h>

#include <set>

namespace calibr8 {

class Session;

/** What belongs to one environment: the main thread or a worker has one each, so nothing is shared between
 * them. */
class Environment {
 public:
  void add(Napi::Env env, Session* session);
  void remove(Session* session) { sessions_.erase(session); }

 private:
  /**
   * process.exit() ends the process without the environment's cleanup hooks, and oneDNN's statics are
   * destroyed while streams still compile with them. The process's 'exit' event comes before that.
   */
  void listenForExit(Napi::Env env);

  std::set<Session*> sessions_;
  bool listens_ = false;
};

}  // namespace calibr8

#endif  // CALIBR8_ENVIRONMENT_H_

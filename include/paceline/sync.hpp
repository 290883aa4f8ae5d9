// Shared state between ranks and threads, under the standard library's names.
#pragma once

#include <paceline/barrier.hpp>
#include <paceline/condition.hpp>
#include <paceline/counter.hpp>
#include <paceline/domain.hpp>
#include <paceline/event.hpp>
#include <paceline/mutex.hpp>
#include <paceline/pipe.hpp>
#include <paceline/queue.hpp>
#include <paceline/semaphore.hpp>
#include <paceline/shared_array.hpp>
#include <paceline/shared_handle.hpp>

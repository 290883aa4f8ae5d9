// What a command prints, which has not been said before it has left the process.
#pragma once

namespace paceline {

/// Takes the places of standard streams that are closed, or the next file that is opened would be printed into. What
/// is printed there fails.
void keep_standard_streams();

/// Brings all that was printed on its way. Throws Error (output) when a part of it could not be: a full disk, say.
void finish_output();

}  // namespace paceline

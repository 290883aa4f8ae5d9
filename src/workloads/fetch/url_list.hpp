// URLs as users give them: one by one, or as a list with blank lines and comments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <paceline/error.hpp>

namespace paceline::fetch {

/// Whether files of this machine may be named.
enum class Files { refused, allowed };

/// Throws Error (`code`) that starts with `where`, unless `url` is a whole one of a kind that is fetched: ASCII as
/// RFC 3986 has it, with http, https or, where allowed, file.
void check_url(const std::string& url, Files files, const std::string& where, ErrorKind kind);

/// One URL a line, in order; white space around it, blank lines, those that start with # and a byte order mark don't
/// count. Throws Error (input) that names the line of `name`, or if there is no URL at all.
std::vector<std::string> read_url_list(std::string_view text, Files files, const std::string& name);

/// The host that a URL names, also one without a scheme, as proxies are named.
std::string host_of(const std::string& url);
/// The path that a file URL names; empty for any other.
std::string file_of(const std::string& url);

}  // namespace paceline::fetch

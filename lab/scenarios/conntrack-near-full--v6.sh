# 97 % full, of IPv6 connections: critical, though nothing is lost yet
. "${BASH_SOURCE[0]%/*}/conntrack-near-full.sh" # HOST=1
TO=$S6 FLOWS=194 SEVERITY=critical

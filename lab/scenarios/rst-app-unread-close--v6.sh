# A server closes without reading what its clients had asked, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-app-unread-close.sh"
TO=$S6

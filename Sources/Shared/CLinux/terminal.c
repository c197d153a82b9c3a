#include "clinux_terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

extern char **environ;

int clinux_terminal_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int clinux_terminal_rows(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

char *const *clinux_environment(void) { return environ; }

/* What the process was started with: its terminal and its environment, in forms that Swift's importer can call. */
#ifndef CLINUX_TERMINAL_H
#define CLINUX_TERMINAL_H

/* Columns of the terminal behind a descriptor, 0 when there is none or it does not know. */
int clinux_terminal_columns(int descriptor);
/* Its rows, likewise. */
int clinux_terminal_rows(int descriptor);
/* The environment: strings of the form NAME=VALUE, the last followed by a null pointer. */
char *const *clinux_environment(void);

#endif

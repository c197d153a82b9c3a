#define _GNU_SOURCE
#include "include/clinux_stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

extern const char __executable_start[];
extern const char etext[];

static uint64_t *area;
/* The stack of the thread that is looked at. */
static uintptr_t stack_bottom, stack_top;
/* Handlers run here: a stack that has overflowed has no room for them. */
static char spare_stack[64 << 10] __attribute__((aligned(16)));

struct position {
    uintptr_t address, frame, stack;
};

static struct position position_of(const ucontext_t *context) {
#if defined(__x86_64__)
    return (struct position){(uintptr_t)context->uc_mcontext.gregs[REG_RIP],
                             (uintptr_t)context->uc_mcontext.gregs[REG_RBP],
                             (uintptr_t)context->uc_mcontext.gregs[REG_RSP]};
#elif defined(__aarch64__)
    return (struct position){context->uc_mcontext.pc, context->uc_mcontext.regs[29], context->uc_mcontext.sp};
#else
#error "no frame pointers known for this processor"
#endif
}

static int is_on_stack(uintptr_t place, uintptr_t from) {
    return place >= from && place < stack_top - 2 * sizeof(uintptr_t) && place % sizeof(uintptr_t) == 0;
}

static int is_own_code(uintptr_t address) {
    return address >= (uintptr_t)__executable_start && address < (uintptr_t)etext;
}

/* A return address has a call before it: near, or through a register or memory. Another word has none as a rule. */
__attribute__((no_sanitize("address"))) static int follows_call(uintptr_t back) {
    if (!is_own_code(back) || !is_own_code(back - 7)) return 0;
#if defined(__x86_64__)
    const uint8_t *code = (const uint8_t *)back;
    return code[-5] == 0xE8 || code[-2] == 0xFF || code[-3] == 0xFF || code[-6] == 0xFF;
#else
    uint32_t call = *(const uint32_t *)(back - 4);
    return (call & 0xFC000000) == 0x94000000 || (call & 0xFFFFFC1F) == 0xD63F0000;
#endif
}

/* How far a frame is looked for behind functions that keep none: what libraries have on the stack, as a rule. */
static const uintptr_t search_length = 8 << 10;

/* The first thing from `from` on that looks like a frame of our own code; 0 when nothing does. */
__attribute__((no_sanitize("address"))) static uintptr_t frame_above(uintptr_t from) {
    for (uintptr_t place = from; place < from + search_length && is_on_stack(place, from); place += sizeof(uintptr_t)) {
        const uintptr_t *words = (const uintptr_t *)place;
        if (is_on_stack(words[0], place + sizeof(uintptr_t)) && follows_call(words[1])) return place;
    }
    return 0;
}

/* Whoever called the function that is being entered or has no frame, such as a stub of the linker; 0 when the thread is
 * not in such a place. */
__attribute__((no_sanitize("address"))) static uintptr_t
caller_without_frame(const ucontext_t *context, struct position at) {
#if defined(__x86_64__)
    (void)context;
    if (!is_on_stack(at.stack, at.stack)) return 0;
    uintptr_t back = *(const uintptr_t *)at.stack;
    return follows_call(back) ? back : 0;
#else
    (void)at;
    uintptr_t back = context->uc_mcontext.regs[30];
    return is_own_code(back) ? back : 0;
#endif
}

/* Reads the stack word by word, also where AddressSanitizer has put what nobody may read. */
__attribute__((no_sanitize("address"))) static void tell(int signal, const ucontext_t *context) {
    struct position at = position_of(context);
    uint64_t *addresses = area + clinux_stack_addresses;
    unsigned count = 0;
    addresses[count++] = at.address;
    if (at.stack >= stack_bottom && at.stack < stack_top) {
        /* The C library keeps no frame pointers: who called it is the first of our own addresses on the stack. */
        if (!is_own_code(at.address))
            for (uintptr_t place = at.stack; place < at.stack + 1024 && is_on_stack(place, at.stack);
                 place += sizeof(uintptr_t))
                if (is_own_code(*(const uintptr_t *)place)) {
                    addresses[count++] = *(const uintptr_t *)place;
                    break;
                }
        uintptr_t caller = caller_without_frame(context, at);
        if (caller && caller != addresses[count - 1]) addresses[count++] = caller;
        uintptr_t frame = at.frame, above = at.stack & ~(sizeof(uintptr_t) - 1);
        while (count < clinux_stack_capacity) {
            /* A library that keeps no frame pointers uses the register for something else. */
            if (!is_on_stack(frame, above) || ((const uintptr_t *)frame)[1] < 4096) frame = frame_above(above);
            if (!frame) break;
            caller = ((const uintptr_t *)frame)[1];
            if (caller != addresses[count - 1]) addresses[count++] = caller;
            above = frame + 2 * sizeof(uintptr_t);
            frame = ((const uintptr_t *)frame)[0];
        }
    }
    area[clinux_stack_signal] = (uint64_t)signal;
    area[clinux_stack_count] = count;
    __atomic_fetch_add(&area[clinux_stack_sequence], 1, __ATOMIC_RELEASE);
}

static void asked(int signal, siginfo_t *info, void *context) {
    (void)info;
    int kept = errno;
    tell(signal, context);
    errno = kept;
}

static void faulted(int signal, siginfo_t *info, void *context) {
    (void)info;
    tell(signal, context);
    /* The handler is gone (SA_RESETHAND): the same signal again ends the process when this returns. */
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
}

int clinux_stack_install(uint64_t *destination, int ask) {
    pthread_attr_t attributes;
    void *bottom;
    size_t size;
    int error = pthread_getattr_np(pthread_self(), &attributes);
    if (error) return -error;
    error = pthread_attr_getstack(&attributes, &bottom, &size);
    pthread_attr_destroy(&attributes);
    if (error) return -error;
    stack_bottom = (uintptr_t)bottom;
    stack_top = (uintptr_t)bottom + size;
    area = destination;
    area[clinux_stack_code_start] = (uintptr_t)__executable_start;
    area[clinux_stack_code_end] = (uintptr_t)etext;

    stack_t spare = {.ss_sp = spare_stack, .ss_size = sizeof spare_stack};
    if (sigaltstack(&spare, NULL) < 0) return -errno;
    struct sigaction action = {.sa_sigaction = asked, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigfillset(&action.sa_mask);
    if (sigaction(ask, &action, NULL) < 0) return -errno;
    action.sa_sigaction = faulted;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t index = 0; index < sizeof faults / sizeof *faults; index++)
        if (sigaction(faults[index], &action, NULL) < 0) return -errno;
    return 0;
}

int clinux_signal_first_thread(pid_t pid, int signal) {
    return syscall(SYS_tgkill, pid, pid, signal) < 0 ? -errno : 0;
}

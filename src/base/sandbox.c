/* SPDX-License-Identifier: ISC */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- system calls: seccomp(2) */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* Neither we nor our libraries call these. A list of allowed calls would leave an attacker less,
   but would break with each new version of libc, libpq and libcurl. */
static const uint32_t denied[] = {
	SYS_execve,
	SYS_execveat,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_open_by_handle_at,
	SYS_personality,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_mknodat,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_pidfd_getfd,
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_kexec_file_load,
#ifdef SYS_chmod /* not on aarch64 */
	SYS_chmod,
	SYS_mknod,
#endif
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
#ifdef SYS_fchmodat2
	SYS_fchmodat2,
#endif
#ifndef __SANITIZE_ADDRESS__ /* the leak checker traces its own process */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
#endif
};

/* For PostgreSQL, the web server and subscribers; getaddrinfo() uses netlink to find the local
   addresses. */
static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

enum {
	DENIED = sizeof(denied) / sizeof(denied[0]),
	FAMILIES = sizeof(families) / sizeof(families[0]),
	X32_BIT = 0x40000000, /* system calls of the x32 ABI, which the list does not contain */
};

#ifdef ARCHITECTURE
/* The filter: 4 steps for architecture and ABI, one for each denied call, then socket(). */
static bool filter_calls(void)
{
	enum {
		HEAD = 5,
		SOCKET = HEAD + DENIED,
		DENY = SOCKET + 2 + FAMILIES + 1,
		ALLOW = DENY + 1,
		ALL = ALLOW + 1
	};
	struct sock_filter program[ALL];
	const struct sock_fprog all = { .len = ALL, .filter = program };
	size_t at = 0;

/* A jump counts from the next step. */
#define STEP_TO(target) ((uint8_t)((target)-at - 1))
	program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     offsetof(struct seccomp_data, arch));
	program[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     offsetof(struct seccomp_data, nr));
	program[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT,
						   STEP_TO(DENY), 0);
	at++;
	for (size_t i = 0; i < DENIED; i++, at++)
		program[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i],
							   STEP_TO(DENY), 0);
	program[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0,
						   STEP_TO(ALLOW));
	at++;
	program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     offsetof(struct seccomp_data, args[0]));
	for (size_t i = 0; i < FAMILIES; i++, at++)
		program[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, families[i],
							   STEP_TO(ALLOW), 0);
	/* EPERM instead of a kill: a library that tries a call continues without it */
	program[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0);
	at++;
	program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	program[at] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
#undef STEP_TO
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}
#else
static bool filter_calls(void)
{
	return false;
}
#endif

/* ---- files: landlock(7), for which libc has no functions */

/* Everything that the first version of Landlock handles of writing, and starting programs.
   Reading is not handled: certificates, time zones and NSS modules are in many folders. */
static const uint64_t HANDLED = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
				LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
				LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
				LANDLOCK_ACCESS_FS_MAKE_SYM;
/* Since the third version; before it, any file can be emptied by truncate(). */
static const uint64_t TRUNCATE = UINT64_C(1) << 14;
enum { TRUNCATE_SINCE = 3 };
static const uint64_t WRITING = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				LANDLOCK_ACCESS_FS_MAKE_REG;

static bool allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	bool fine;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return false;
	fine = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return fine;
}

static bool confine_files(const char *writable)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	const uint64_t emptying = version >= TRUNCATE_SINCE ? TRUNCATE : 0;
	const struct landlock_ruleset_attr handled = { .handled_access_fs = HANDLED | emptying };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	bool is_there = writable && access(writable, F_OK) == 0, fine;

	if (rules < 0)
		return false;
	fine = (!is_there || allow(rules, writable, WRITING | emptying)) &&
	       allow(rules, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE | emptying) &&
	       syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return fine;
}

struct sandbox sandbox_enter(const char *writable)
{
	struct sandbox sandbox = { 0 };

	/* both are allowed to unprivileged processes only with this */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return sandbox;
	sandbox.has_landlock = confine_files(writable);
	sandbox.has_seccomp = filter_calls();
	return sandbox;
}

#include "io_files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "io/write.h"

static void save(const char *path, const char *text)
{
    io_writer w;
    assert_int_equal(io_write_begin(&w, "save", path), 0);
    io_write_text(&w, "%s", text);
    assert_int_equal(io_write_end(&w), 0);
}

static void assert_holds(const char *path, const char *text)
{
    size_t count;
    char *bytes = read_file(path, &count);
    assert_string_equal(bytes, text);
    free(bytes);
}

static int temporaries(const char *folder)
{
    int count = 0;
    DIR *all = opendir(folder);
    for (struct dirent *e; (e = readdir(all));) count += strstr(e->d_name, ".tmp-") != NULL;
    closedir(all);
    return count;
}

/* What a run that was killed left here. */
BEFORE_ALL
{
    return system("rm -rf folder *.tmp-* .tmp-*");
}

TEST(a_file_is_written_and_replaced)
{
    save("file", "old");
    assert_holds("file", "old");
    save("./file", "new");
    assert_holds("file", "new");
    assert_int_equal(temporaries("."), 0);
}

TEST(nothing_changes_before_the_end)
{
    save("steady", "old");
    io_writer w;
    assert_int_equal(io_write_begin(&w, "save", "steady"), 0);
    io_write(&w, "new", 3);
    fflush(w.file);
    assert_holds("steady", "old");
    assert_int_equal(temporaries("."), 1);
    io_write_abandon(&w);
    assert_holds("steady", "old");
    assert_int_equal(temporaries("."), 0);
}

TEST(a_full_disk_leaves_the_old_file)
{
    save("checkpoint", "old");
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int status = tr_save_npy("checkpoint", tr_zeros(TR_SHAPE(100000)));
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);

    assert_int_equal(status, -1);
    assert_error_says("tr_save_npy: checkpoint: File too large");
    assert_holds("checkpoint", "old");
    assert_int_equal(temporaries("."), 0);
}

/* A full device of the test's own: were it ever replaced by mistake, the machine's would not be lost. */
TEST(a_full_device_is_an_error)
{
    unlink("full");
    if (mknod("full", S_IFCHR | 0600, makedev(1, 7)) < 0) skip_because("a device cannot be made here");
    int probe = open("full", O_WRONLY);
    bool full = probe >= 0 && write(probe, "x", 1) < 0;
    if (probe >= 0) close(probe);
    if (!full) skip_because("devices made here do not work");
    assert_int_equal(tr_save_npy("full", row(1, 2)), -1);
    assert_error_says("tr_save_npy: full: No space left on device");
    tr_tensor *t = row(1, 2);
    assert_int_equal(tr_safetensors_save("full", ((const char *[]){"a"}), TR_TENSORS(t), NULL, 0), -1);
    assert_error_says("tr_safetensors_save: full: No space left on device");
    struct stat still;
    assert_int_equal(stat("full", &still), 0);
    assert_true(S_ISCHR(still.st_mode));
}

TEST(a_place_that_cannot_be_written_is_named)
{
    io_writer w;
    assert_int_equal(io_write_begin(&w, "save", "no/such/folder"), -1);
    assert_error_says("save: no/such/folder: No such file or directory");
    assert_int_equal(io_write_begin(&w, "save", "."), -1);
    assert_error_says("save: .: Is a directory");
    assert_int_equal(io_write_begin(&w, "save", ""), -1);
    assert_error_says("No such file or directory");
    assert_int_equal(io_write_begin(&w, "save", NULL), -1);
    assert_error_says("an argument is NULL");
}

TEST(a_read_only_file_is_not_replaced)
{
    if (geteuid() == 0) skip_because("root may write everything");
    save("kept", "old");
    chmod("kept", 0444);
    io_writer w;
    assert_int_equal(io_write_begin(&w, "save", "kept"), -1);
    assert_error_says("Permission denied");
}

TEST(permissions_stay_and_new_files_follow_the_umask)
{
    struct stat about;
    remove("mode");
    mode_t mask = umask(027);
    save("mode", "x");
    umask(mask);
    assert_int_equal(stat("mode", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    chmod("mode", 0604);
    save("mode", "y");
    assert_int_equal(stat("mode", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0604);
}

TEST(a_link_stays_a_link)
{
    struct stat about;
    save("real", "old");
    remove("link");
    assert_int_equal(symlink("real", "link"), 0);
    save("link", "new");
    assert_int_equal(lstat("link", &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_holds("real", "new");
}

TEST(a_folder_in_the_path_is_where_the_new_file_is_made)
{
    mkdir("folder", 0777);
    io_writer w;
    assert_int_equal(io_write_begin(&w, "save", "folder/file"), 0);
    assert_int_equal(temporaries("folder"), 1);
    io_write(&w, "x", 1);
    assert_int_equal(io_write_end(&w), 0);
    assert_holds("folder/file", "x");
    assert_int_equal(temporaries("folder"), 0);
}

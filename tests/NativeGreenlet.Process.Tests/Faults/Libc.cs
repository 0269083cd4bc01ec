using System.Globalization;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Tests.Faults;

/// <summary>What the tests of faults ask of Linux.</summary>
internal static unsafe partial class Libc
{
    public const int AddressSpace = 9; // RLIMIT_AS: ulimit -v
    public const int Data = 2; // RLIMIT_DATA: ulimit -d
    public const int Processes = 6; // RLIMIT_NPROC: ulimit -u

    public const int Interrupt = 2; // SIGINT
    public const int Terminate = 15; // SIGTERM
    public const int Stop = 19; // SIGSTOP
    public const int Profile = 27; // SIGPROF

    private const int ProtectionRead = 1;
    private const int PrivateAnonymousNoReserve = 0x4022;

    /// <summary>Lets a limit be as it is for the process; disposing of the result lifts it again.</summary>
    /// <param name="resource">Which.</param>
    /// <param name="value">The most of it, in its own unit.</param>
    public static IDisposable Limit(int resource, ulong value)
    {
        Succeed(getrlimit(resource, out ResourceLimit before));
        Succeed(setrlimit(resource, before with { Current = value }));
        return new Undo(() => Succeed(setrlimit(resource, before)));
    }

    /// <summary>A figure of /proc/self/status, in bytes.</summary>
    public static ulong Status(string name)
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return 1024 * ulong.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Makes the limit on threads count for the calling thread although root started the process: another real
    /// user, without the rights that lift the limit. What files may be read stays as it was.</summary>
    public static void GiveUpExemptionFromThreadLimit()
    {
        const uint Version = 0x20080522;
        const uint SystemAdministration = 1U << 21;
        const uint SystemResources = 1U << 24;
        if (geteuid() != 0)
        {
            return;
        }

        Succeed(setresuid(65534, 0, 0));
        uint* header = stackalloc uint[2] { Version, 0 };
        uint* sets = stackalloc uint[6];
        Succeed(capget(header, sets));
        sets[0] &= ~(SystemAdministration | SystemResources);
        Succeed(capset(header, sets));
    }

    /// <summary>Uses up memory mappings, all but so many; disposing of the result gives them back.</summary>
    public static IDisposable ExhaustMappings(int left)
    {
        int most = int.Parse(File.ReadAllText("/proc/sys/vm/max_map_count"), CultureInfo.InvariantCulture);
        nuint page = (nuint)Environment.SystemPageSize;
        nuint size = (nuint)(2 * most) * page;
        byte* region = (byte*)mmap(null, size, 0, PrivateAnonymousNoReserve, -1, 0);
        Check.That((nint)region != -1);
        Succeed(mprotect(region, page, 0)); // compiled while there is room for that
        nuint count = 0;
        while (mprotect(region + (2 * count * page), page, ProtectionRead) == 0)
        {
            count++;
        }

        // Each page that is as its neighbours again gives two mappings back.
        for (int i = 0; i < left; i += 2)
        {
            count--;
            Succeed(mprotect(region + (2 * count * page), page, 0));
        }

        return new Undo(() => Succeed(munmap(region, size)));
    }

    /// <summary>Lets a signal be handled by a function that does nothing, on whatever stack the thread is.</summary>
    public static void HandleByDoingNothing(int number) =>
        Check.That(signal(number, NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), nameof(getpid))) != -1);

    /// <summary>Sends a signal to this process.</summary>
    public static void Send(int number) => Succeed(kill(getpid(), number));

    /// <summary>Sends a signal to a thread of this process.</summary>
    public static void Send(int number, int thread) => Succeed(tgkill(getpid(), thread, number));

    private static void Succeed(int result)
    {
        if (result != 0)
        {
            throw new InvalidOperationException($"The system refused: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int capget(uint* header, uint* sets);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int capset(uint* header, uint* sets);

    [LibraryImport("libc", SetLastError = true)]
    private static partial void* mmap(void* address, nuint size, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mprotect(void* address, nuint size, int protection);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int munmap(void* address, nuint size);

    [LibraryImport("libc")]
    public static partial int gettid();

    [LibraryImport("libc")]
    private static partial int getpid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int number);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tgkill(int process, int thread, int number);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);

    private record struct ResourceLimit(ulong Current, ulong Most);

    private sealed class Undo(Action undo) : IDisposable
    {
        public void Dispose() => undo();
    }
}

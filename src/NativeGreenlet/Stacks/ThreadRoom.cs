using System.Globalization;

namespace NativeGreenlet.Stacks;

/// <summary>
/// Sees to it that threads for greenlets leave the process some memory mappings. On Linux a process can have so many
/// (<c>vm.max_map_count</c>), a thread takes four, and a runtime that gets none for a thread that has begun ends the process.
/// Limits of threads themselves the system reports when one is asked for.
/// </summary>
internal static class ThreadRoom
{
    private const int MappingsOfThread = 4; // stack, its guard, the stack for signals, its guard
    private const int Share = 8; // an eighth of all is left to the collector, the compiler, and other libraries

    private static readonly Lock s_lock = new();
    private static int s_allowed; // threads until the next look

    /// <summary>Asks for one more thread.</summary>
    /// <exception cref="GreenletException">It would take the last mappings.</exception>
    public static void Take()
    {
        if (!OperatingSystem.IsLinux() || Interlocked.Decrement(ref s_allowed) >= 0)
        {
            return;
        }

        lock (s_lock)
        {
            if (Volatile.Read(ref s_allowed) <= 0)
            {
                Volatile.Write(ref s_allowed, Look());
            }
        }
    }

    // Half of what there is: so looks are few, and what else takes mappings is seen in time.
    private static int Look()
    {
        int most;
        int used;
        try
        {
            most = int.Parse(File.ReadAllText("/proc/sys/vm/max_map_count"), CultureInfo.InvariantCulture);
            used = CountLines("/proc/self/maps");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return int.MaxValue; // nothing is known
        }

        int room = (most - (most / Share) - used) / MappingsOfThread;
        return room > 0
            ? (room + 1) / 2
            : throw new GreenletException(
                GreenletError.OutOfStacks,
                string.Create(CultureInfo.InvariantCulture, $"No more threads for greenlets: {used} of the {most} memory mappings that this process can have (vm.max_map_count) are in use, and each thread takes {MappingsOfThread}."));
    }

    // Without making a string of each line: there may be as many as the limit allows.
    private static int CountLines(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        Span<byte> part = stackalloc byte[4096];
        int lines = 0;
        for (int read = file.Read(part); read > 0; read = file.Read(part))
        {
            lines += part[..read].Count((byte)'\n');
        }

        return lines;
    }
}

using System.Diagnostics;
using HdrHistogram;

namespace NativeGreenlet.Engines;

/// <summary>Measures calls of this process from its creation on.</summary>
public sealed class Meter
{
    private const int Digits = 3;
    private static readonly long s_longest = 600 * Stopwatch.Frequency;
    private static readonly TimeSpan s_leastWarming = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_warming = TimeSpan.FromSeconds(4); // of a processor
    private static readonly TimeSpan s_mostWarming = TimeSpan.FromSeconds(20);

    private readonly LongConcurrentHistogram _times = new(1, s_longest, Digits);
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly TimeSpan _processor = Environment.CpuUsage.TotalTime;
    private readonly TimeSpan _paused = GC.GetTotalPauseDuration();
    private readonly long _allocated = GC.GetTotalAllocatedBytes();

    /// <summary>Waits until the process has used so much of the processors that its code is compiled for good: on a busy machine that takes
    /// longer.</summary>
    public static void WarmUp()
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < s_leastWarming || (Environment.CpuUsage.TotalTime - start < s_warming && watch.Elapsed < s_mostWarming))
        {
            Thread.Sleep(100);
        }
    }

    /// <summary>Counts a call that has ended. From any thread.</summary>
    /// <param name="start">When it began, by <see cref="Stopwatch.GetTimestamp"/>.</param>
    public void Add(long start) => _times.RecordValue(Math.Clamp(Stopwatch.GetTimestamp() - start, 1, s_longest));

    /// <summary>Gets what was measured.</summary>
    /// <param name="idle">Managed memory of one that does nothing, in bytes.</param>
    public Figures Read(double idle)
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        double calls = _times.TotalCount;
        using Process process = Process.GetCurrentProcess();
        return new Figures(
            calls / elapsed.TotalSeconds,
            _times.GetValueAtPercentile(50) * 1000.0 / Stopwatch.Frequency,
            _times.GetValueAtPercentile(99) * 1000.0 / Stopwatch.Frequency,
            (Environment.CpuUsage.TotalTime - _processor).TotalMicroseconds / calls,
            (GC.GetTotalAllocatedBytes() - _allocated) / calls,
            (GC.GetTotalPauseDuration() - _paused) / elapsed,
            process.Threads.Count,
            Environment.WorkingSet >> 20,
            idle / 1024);
    }
}

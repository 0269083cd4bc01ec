using System.Diagnostics;
using System.Globalization;

namespace NativeGreenlet.Stress;

/// <summary>A line of figures every ten seconds; ends the process when nothing has moved for a minute.</summary>
internal sealed class Progress : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);
    private const int MostIdleIntervals = 6;

    private static readonly Stopwatch s_clock = Stopwatch.StartNew();
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;

    public Progress()
    {
        _thread = new Thread(Report) { IsBackground = true, Name = "progress" };
        _thread.Start();
    }

    /// <summary>All figures, on one line.</summary>
    public static string Line()
    {
        (long resumes, long exceptions, long refusals, long rounds) = Figures.Total();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{s_clock.Elapsed.TotalSeconds:F1} s: {resumes:N0} resumes, {GC.CollectionCount(0):N0}/{GC.CollectionCount(1):N0}/{GC.CollectionCount(2):N0} GCs of generation 0/1/2, {exceptions:N0} exceptions, {refusals:N0} refusals, {rounds:N0} rounds; {Usage.Now()}");
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    private void Report()
    {
        long seen = -1;
        int idle = 0;
        while (!_stop.Wait(s_interval))
        {
            Console.WriteLine(Line());
            long now = Figures.Total().Resumes;
            idle = now == seen ? idle + 1 : 0;
            seen = now;
            if (idle == MostIdleIntervals)
            {
                Check.Fail("hung: no body has gone on for a minute");
            }
        }
    }
}

using NativeGreenlet.Interop;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Greenlets of the calling thread that hold every thread record that is free: each is suspended in a catch
/// block.</summary>
internal sealed class RecordHog : IDisposable
{
    private readonly List<Greenlet> _greenlets = [];

    public RecordHog()
    {
        _ = GreenletDiagnostics.Threads; // threads that ended give back theirs first
        while (Free() != 0)
        {
            Greenlet greenlet = new(() =>
            {
                try
                {
                    throw new InvalidTimeZoneException();
                }
                catch (InvalidTimeZoneException)
                {
                    _ = Greenlet.Current.Parent!.Switch();
                }
            });
            _ = greenlet.Switch();
            _greenlets.Add(greenlet);
        }
    }

    public void Dispose() => _greenlets.ForEach(greenlet => greenlet.Dispose());

    private static unsafe ulong Free()
    {
        ng_clr_statistics statistics;
        Check.That(NativeMethods.ng_clr_query(&statistics) == ng_status.OK);
        return statistics.records_free;
    }
}

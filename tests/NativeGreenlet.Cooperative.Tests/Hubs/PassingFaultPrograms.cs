using System.Diagnostics.Metrics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>See <see cref="PassingFaultTests"/>.</summary>
public class PassingFaultPrograms
{
    [InChild]
    public void FailAtTheFirstUse()
    {
        int seen = 0;
        bool fails = true;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == "NativeGreenlet.Cooperative")
            {
                seen += fails ? throw new OutOfMemoryException() : 1;
            }
        };
        listener.Start();
        Assert.Equal(1, Hub.Run(() => 1)); // its meter is refused
        Assert.Equal(0, seen);
        fails = false;
        Assert.Equal(1, Hub.RunAsync(() => 1).Result);
        Assert.Equal(3, seen);
        Console.WriteLine("published");
    }
}

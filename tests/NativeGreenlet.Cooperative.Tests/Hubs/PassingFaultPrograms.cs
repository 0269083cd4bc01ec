using System.Diagnostics.Metrics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>See <see cref="PassingFaultTests"/>.</summary>
public class PassingFaultPrograms
{
    [InChild]
    public void FailAtTheFirstUse()
    {
        List<string> seen = [];
        bool fails = true;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == "NativeGreenlet.Cooperative")
            {
                seen.Add(fails ? throw new OutOfMemoryException() : instrument.Name);
            }
        };
        listener.Start();
        Assert.Equal(1, Hub.Run(() => 1)); // its meter is refused
        Assert.Empty(seen);
        fails = false;
        Assert.Equal(1, Hub.RunAsync(() => 1).Result);
        Assert.Contains("nativegreenlet.hubs", seen);
        Assert.Contains("nativegreenlet.task.wait.duration", seen); // the last one
        Assert.Equal(seen.Distinct().Count(), seen.Count);
        Console.WriteLine("published");
    }
}

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>The process ends while greenlets are suspended, on the main thread and on another one.</summary>
internal sealed class ExitScenario(bool isInside) : Scenario
{
    /// <summary>Printed just before, so that a test can take the time from here.</summary>
    public const string Leaving = "leaving";

    private const int Count = 500;

    public override string Name => isInside ? "exit-inside" : "exit";

    public override string Summary => isInside ? "Environment.Exit inside a greenlet, 1,000 others suspended" : "return from Main with 1,000 greenlets suspended";

    public override string Expectation => "exit code 0 within two seconds";

    public override int Run(Options options)
    {
        using ManualResetEventSlim ready = new();
        Thread other = new(() =>
        {
            List<Greenlet> greenlets = Parking.Start(Count);
            ready.Set();
            Thread.Sleep(Timeout.Infinite);
            GC.KeepAlive(greenlets);
        })
        { IsBackground = true };
        other.Start();
        List<Greenlet> own = Parking.Start(Count);
        ready.Wait();
        GC.Collect();
        if (isInside)
        {
            _ = new Greenlet(() =>
            {
                Console.WriteLine(Leaving);
                Environment.Exit(0);
            }).Switch();
            Check.Fail("Environment.Exit returned");
        }

        Console.WriteLine(Leaving);
        GC.KeepAlive(own);
        return 0;
    }
}

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>Greenlets with frames of a few shapes, which are frozen and thawed over and over: with <c>--freeze</c> at every park, else as
/// the environment says. Some run dynamic methods that nothing else refers to, or are all that keeps an assembly.</summary>
internal sealed class FrozenScenario : Scenario
{
    private const int Seeds = 250; // a byte, and some to spare
    private const int FewerDynamic = 20; // one of so many: to compile one takes long, and its shape is new
    private const int DynamicParks = 8; // it is met more than once
    private const int FewerUnloadable = 40; // and so is an assembly

    public override string Name => "frozen";

    public override string Summary => "frames of a few shapes, parked, frozen, thawed: what they refer to";

    public override int Run(Options options)
    {
        using Progress progress = new();
        using CollectorPressure pressure = new(options.Seed);
        Deadline deadline = new(options.Time);
        Thread[] carriers = [.. Enumerable.Range(0, Math.Max(1, options.Carriers)).Select(i => new Thread(() => Carry(options, deadline, new Random(options.Seed + i))))];
        Array.ForEach(carriers, carrier => carrier.Start());
        Array.ForEach(carriers, carrier => carrier.Join());
        Console.WriteLine($"ok: {Progress.Line()}");
        return 0;
    }

    private static void Carry(Options options, Deadline deadline, Random random)
    {
        Figures figures = Figures.Add();
        Greenlet?[] greenlets = new Greenlet?[options.Greenlets];
        while (!deadline.HasPassed)
        {
            int i = random.Next(greenlets.Length);
            if (greenlets[i] is null or { IsDead: true })
            {
                int seed = random.Next(Seeds);
                Func<int, bool> body = random.Next(FewerDynamic) == 0 ? Dynamic
                    : random.Next(FewerUnloadable) == 0 ? Unloadable
                    : ParkedFrames.All[random.Next(ParkedFrames.All.Length)];
                greenlets[i] = new Greenlet(_ => body(seed));
            }

            Continue(greenlets[i]!, figures);
        }

        foreach (Greenlet? greenlet in greenlets)
        {
            while (greenlet is { IsDead: false })
            {
                Continue(greenlet, figures);
            }
        }
    }

    private static bool Dynamic(int seed) => DynamicFrames.Run(seed, seed, DynamicParks);

    private static bool Unloadable(int seed) => UnloadableFrames.Run(seed, seed % UnloadableFrames.Kinds, DynamicParks);

    private static void Continue(Greenlet greenlet, Figures figures)
    {
        Check.That(greenlet.Switch() is null or true, "what a parked frame held");
        figures.Resumes++;
    }
}

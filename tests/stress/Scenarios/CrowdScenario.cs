using System.Globalization;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>Crowds of greenlets that do what a script says, on one thread or several at once, while another thread forces
/// collections.</summary>
internal sealed class CrowdScenario : Scenario
{
    private const int ControlThreads = 8;
    private const int ControlDepth = 6;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public override string Name => Options.Mix;

    public override string Summary => "greenlets that do everything in random order";

    public override int Run(Options options)
    {
        bool isMix = options.Scenarios.Contains(Options.Mix);
        Activity[] activities = [.. Script.All.Where(activity => isMix || options.Scenarios.Contains(activity.Name))];
        foreach (Activity activity in activities)
        {
            if (activity.Obstacle is { } obstacle)
            {
                Console.WriteLine($"not here: {activity.Name}: {obstacle}");
            }
        }

        Script script = Script.Of(activities, options.IsControl);
        if (script.IsEmpty)
        {
            Console.WriteLine("ok: nothing of this can be done here");
            return 0;
        }

        using (new Progress())
        using (new CollectorPressure(options.Seed))
        {
            if (options.Carriers != 0 || options.UsesMainThread || options.IsControl)
            {
                Phase(options, script, Math.Max(options.Carriers, 1), options.UsesMainThread, options.Time);
            }
            else
            {
                TimeSpan third = options.Time / 3;
                Phase(options, script, 1, usesMainThread: true, third);
                Phase(options, script, 1, usesMainThread: false, third);
                Phase(options, script, 4, usesMainThread: false, third);
            }
        }

        CarrierRegistry.Sweep();
        Deadline deadline = new(s_patience);
        while (StackPools.Count().Live is var live and not 0)
        {
            if (deadline.HasPassed)
            {
                Check.Fail(string.Create(CultureInfo.InvariantCulture, $"{live} stacks were not given back"));
            }

            Thread.Sleep(10); // the check of freezing, on a thread of its own, has some for a while
        }

        Console.WriteLine($"ok: {Progress.Line()}");
        return 0;
    }

    private static void Phase(Options options, Script script, int carriers, bool usesMainThread, TimeSpan time)
    {
        Deadline deadline = new(time);
        List<Thread> threads = [];
        for (int i = usesMainThread && !options.IsControl ? 1 : 0; i < carriers; i++)
        {
            int seed = options.Seed + i * 1_000_003;
            if (!options.IsControl)
            {
                threads.Add(new Thread(() => RunCrowds(options, script, deadline, seed), options.StackSize));
                continue;
            }

            for (int k = 0; k < ControlThreads; k++)
            {
                int id = i * ControlThreads + k + 1;
                threads.Add(new Thread(() => RunControl(script, deadline, id, seed + id), options.StackSize));
            }
        }

        threads.ForEach(thread => thread.Start());
        if (usesMainThread && !options.IsControl)
        {
            RunCrowds(options, script, deadline, options.Seed);
        }

        threads.ForEach(thread => thread.Join());
    }

    private static void RunCrowds(Options options, Script script, Deadline deadline, int seed)
    {
        Figures figures = Figures.Add();
        for (int round = 0; round == 0 || !deadline.HasPassed; round++)
        {
            new Crowd(script, figures, deadline, seed + round, options.Greenlets, options.StackSize).Drive();
        }
    }

    private static void RunControl(Script script, Deadline deadline, int id, int seed)
    {
        Figures figures = Figures.Add();
        ThreadActor actor = new(id, new Random(seed), script, figures, deadline);
        actor.Awake();
        while (!deadline.HasPassed)
        {
            actor.Descend(actor.Random.Next(ControlDepth + 1));
            figures.Rounds++;
        }
    }
}

using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Stress.Scenarios;

namespace NativeGreenlet.Stress;

/// <summary>Greenlets under the collector, with exceptions: everything that must survive, and what must end as it should.</summary>
internal static class Program
{
    private const int UsageError = 64;
    private const int FreezingOff = 1;

    public static int Main(string[] arguments)
    {
        if (arguments.Any(argument => argument is "--help" or "-h" or "help"))
        {
            Console.WriteLine(Options.Help);
            return 0;
        }

        Options options;
        Scenario scenario;
        try
        {
            options = Options.Parse(arguments);
            scenario = Find(options);
        }
        catch (FormatException exception)
        {
            Console.Error.WriteLine($"{exception.Message}; see --help");
            return UsageError;
        }

        Environment.SetEnvironmentVariable(Checking.Variable, options.IsChecking ? "1" : null); // nothing has read it yet
        if (options.IsFreezing)
        {
            Environment.SetEnvironmentVariable(Freezing.Variable, "always");
        }

        RuntimeEvents.MakeSources();
        _ = ThreadStatics.UseUp(); // so that the runtime keeps its own fields where they can move, too
        Console.WriteLine($"expect: {scenario.Expectation}");
        Console.WriteLine($"seed: {options.Seed}");
        Console.WriteLine(options.IsControl ? "control: plain threads" : GreenletRuntime.Description);
        int code = scenario.Run(options);
        if (FreezeFigures.Line is { Length: > 0 } frozen && (options.IsFreezing || GreenletDiagnostics.Freezing.Freezes > 0))
        {
            Console.Error.WriteLine(frozen); // the last line of the output is the result
        }

        if (options.IsFreezing && code == 0 && FreezeSetting.Mode == GreenletFreezing.Off)
        {
            Console.WriteLine($"freezing was turned off: {GreenletRuntime.Description}");
            return FreezingOff;
        }

        return code;
    }

    private static Scenario Find(Options options)
    {
        if (options.Scenarios.Count == 1 && Scenario.All.FirstOrDefault(each => each.Name == options.Scenarios[0]) is { } scenario)
        {
            return scenario;
        }

        foreach (string name in options.Scenarios)
        {
            if (name != Options.Mix && Script.All.All(activity => activity.Name != name))
            {
                throw new FormatException($"there is no scenario '{name}', or it cannot be combined with others");
            }
        }

        return new CrowdScenario();
    }
}

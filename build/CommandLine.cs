using System.CommandLine;

namespace NativeGreenlet.Build;

/// <summary>The verbs and their options. What a verb does not know goes on to the program that it runs, in its order.</summary>
internal static class CommandLine
{
    private static readonly Option<string?> s_runtime = new("--runtime") { Arity = ArgumentArity.ExactlyOne };

    /// <summary>Runs what a command line says.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        string[] known = arguments.Length == 0 ? ["build"] : arguments;
        if (known[0] is "help" or "-h" or "--help")
        {
            Console.Write(Help.Text);
            return 0;
        }

        // What follows "--" is another program's altogether.
        int end = Array.IndexOf(known, "--");
        string[] foreign = end < 0 ? [] : known[end..];
        RootCommand root = Root(foreign);
        if (!Knows(known[0]))
        {
            Console.Error.Write(Help.Text);
            throw new StopException($"there is no verb '{known[0]}'");
        }

        ParserConfiguration configuration = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
        ParseResult result = root.Parse(end < 0 ? known : known[..end], configuration);
        if (result.Errors is [{ } first, ..])
        {
            throw new StopException(first.Message);
        }

        return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    /// <summary>Whether there is such a verb.</summary>
    public static bool Knows(string verb) => Root([]).Subcommands.Any(each => each.Name == verb);

    private static RootCommand Root(string[] foreign)
    {
        RootCommand root = new("Builds, tests and runs NativeGreenlet.");
        root.Options.Clear(); // of which --help would be taken from the programs that verbs run
        root.Directives.Clear();
        Add("build", (words, _) => None("build", words) ?? Build());
        Add("native", (words, _) => RunNative(words));
        Add("test", TestVerb.Run, takesRuntime: true);
        Add("demo", (words, version) => RunProgram("Demo", "Demo", "samples/Demo/Demo.csproj", words, version), takesRuntime: true);
        Add("stress", RunStress, takesRuntime: true);
        Add("fuzz", (words, version) => RunProgram("Fuzzer", "NativeGreenlet.Fuzz", "tests/fuzz/NativeGreenlet.Fuzz.csproj", words, version), takesRuntime: true);
        Add("bench", BenchVerb.Run, takesRuntime: true);
        Add("try-runtime", (words, _) => words is [string version]
            ? TryRuntimeVerb.Run(version)
            : throw new StopException($"which runtime? try-runtime {DotnetRuntime.Tested[^1]}, for example"));
        Add("check", (words, _) => CheckVerb.Run(words));
        Add("pack", (words, _) => PackVerb.Run(words));
        Add("docs", (words, _) => None("docs", words) ?? DocsVerb.Run());
        Add("bindings", (words, _) => None("bindings", words) ?? BindingsVerb.Run());
        return root;

        void Add(string name, Func<IReadOnlyList<string>, string?, int> run, bool takesRuntime = false)
        {
            Command verb = new(name) { TreatUnmatchedTokensAsErrors = false };
            if (takesRuntime)
            {
                verb.Options.Add(s_runtime);
            }

            verb.SetAction(result => run([.. result.UnmatchedTokens, .. foreign], takesRuntime ? result.GetValue(s_runtime) : null));
            root.Subcommands.Add(verb);
        }
    }

    private static int? None(string verb, IReadOnlyList<string> words) =>
        words.Count == 0 ? null : throw new StopException($"{verb} takes no '{words[0]}'");

    private static int Build()
    {
        Toolchain.Current.Need();
        Native.Build(Native.Release);
        Managed.Build(Managed.Solution);
        Terminal.Say($"Done: artifacts/native/{Surroundings.Rid}, artifacts/bin");
        return 0;
    }

    private static int RunNative(IReadOnlyList<string> words)
    {
        Toolchain.Current.Need();
        switch (words)
        {
            case []:
                Native.Build(Native.Release);
                Terminal.Say($"Done: artifacts/native/{Surroundings.Rid}");
                return 0;
            case ["--all"]:
                Native.Build(Native.Release);
                Native.Build(Native.Debug);
                return TestVerb.RunParts(
                [
                    new("Native tests, Release", () => Native.Test(Native.Release)),
                    new("Native tests, Debug", () => Native.Test(Native.Debug)),
                ]);
            default:
                throw new StopException($"native takes --all or nothing, not '{words[0]}'");
        }
    }

    private static int RunStress(IReadOnlyList<string> words, string? version)
    {
        if (words is not ["matrix", ..])
        {
            return RunProgram("Stress", "NativeGreenlet.Stress", "tests/stress/NativeGreenlet.Stress.csproj", words, version);
        }

        const int DefaultSeconds = 8;
        string[] rest = [.. words.Skip(1)];
        int option = Array.IndexOf(rest, "--seconds");
        int seconds = DefaultSeconds;
        if (option >= 0)
        {
            if (option + 1 == rest.Length || !int.TryParse(rest[option + 1], out seconds) || seconds <= 0)
            {
                throw new StopException("--seconds needs a number");
            }

            rest = [.. rest[..option], .. rest[(option + 2)..]];
        }

        DotnetRuntime? runtime = Prepare("tests/stress/NativeGreenlet.Stress.csproj", version);
        return StressMatrix.Run(seconds, runtime, rest) ? 0 : 1;
    }

    private static int RunProgram(string heading, string name, string project, IReadOnlyList<string> words, string? version)
    {
        DotnetRuntime? runtime = Prepare(project, version);
        Terminal.Say(heading);
        return Managed.Run(name, words, runtime);
    }

    private static DotnetRuntime? Prepare(string project, string? version)
    {
        DotnetRuntime? runtime = version is null ? null : DotnetRuntime.Get(version);
        Toolchain.Current.Need();
        Native.Build(Native.Release);
        Managed.Build(project);
        return runtime;
    }
}

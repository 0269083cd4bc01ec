namespace NativeGreenlet.Build;

/// <summary><c>bindings</c>: C# declarations from the C header, by ClangSharpPInvokeGenerator.</summary>
internal static class BindingsVerb
{
    private const string Output = "src/NativeGreenlet/Interop/NativeMethods.g.cs";

    // The generator writes its output even when it could not parse the header, so it writes to another file first.
    private const string Fresh = "artifacts/bindings/NativeMethods.g.cs";

    public static int Run()
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(Fresh)!);
        File.Delete(Fresh);
        string[] command = [.. Generator(), .. Resources(), "@native/bindings.rsp", "--output", Fresh];
        Terminal.Say($"Generating {Output}");
        int code = Shell.Run(command[0], command[1..]);
        if (code != 0)
        {
            throw new StopException($"the generator ended with {code} (the number of its warnings, 255 for an error); {Output} is unchanged");
        }

        // Line ends as they are in the repository, whatever the generator's platform.
        string text = File.Exists(Fresh) ? File.ReadAllText(Fresh).ReplaceLineEndings("\n") : "";
        if (!text.Contains("class NativeMethods", StringComparison.Ordinal))
        {
            throw new StopException($"the generator wrote no bindings; {Output} is unchanged");
        }

        if (File.Exists(Output) && File.ReadAllText(Output).ReplaceLineEndings("\n") == text)
        {
            Terminal.Say("Unchanged");
        }
        else
        {
            File.WriteAllText(Output, text);
            Terminal.Say($"Changed: look at it with git diff, then run ./{Surroundings.Script} test");
        }

        return 0;
    }

    private static string[] Generator()
    {
        if (Environment.GetEnvironmentVariable("NG_BINDINGS_GENERATOR") is { Length: > 0 } program)
        {
            return File.Exists(program) ? [program] : throw new StopException($"NG_BINDINGS_GENERATOR: there is no file {program}");
        }

        Terminal.Say("Restoring ClangSharpPInvokeGenerator (.config/dotnet-tools.json)");
        return Shell.Logged("tool", "dotnet", ["tool", "restore"])
            ? ["dotnet", "tool", "run", "ClangSharpPInvokeGenerator", "--"]
            : throw new StopException("the package source of this machine does not have that tool.\n"
                + "  Install ClangSharpPInvokeGenerator some other way and set NG_BINDINGS_GENERATOR to the path of the program.");
    }

    // libclang alone does not have <stddef.h> and the like: they come with a compiler.
    private static string[] Resources()
    {
        if (Environment.GetEnvironmentVariable("NG_BINDINGS_RESOURCES") is { Length: > 0 } directory)
        {
            return ["--resource-directory", directory];
        }

        return Shell.Has("clang") ? ["--resource-directory", Shell.Capture("clang", "-print-resource-dir").Output]
            : Shell.Has("gcc") ? ["--include-directory", Shell.Capture("gcc", "-print-file-name=include").Output]
            : [];
    }
}

using System.Runtime.InteropServices;

namespace NativeGreenlet.Build;

/// <summary>Visual C++ and CMake, by winget or Chocolatey.</summary>
internal sealed class WindowsToolchain : Toolchain
{
    private const int RestartIsWelcome = 3010; // installed, and a restart would be welcome

    // A compiler of another kind (clang, MinGW) is the caller's choice, made with NG_GENERATOR.
    private static bool HasCompiler =>
        Environment.GetEnvironmentVariable("NG_GENERATOR") is { Length: > 0 } || VisualStudio is not null;

    private static bool HasCMake
    {
        get
        {
            if (!Shell.Has("cmake"))
            {
                // Where the installers put it without telling PATH, and the copy inside Visual Studio.
                string[] places =
                [
                    Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "CMake", "bin"),
                    .. VisualStudio is { } studio ? [Path.Combine(studio, "Common7", "IDE", "CommonExtensions", "Microsoft", "CMake", "CMake", "bin")] : Array.Empty<string>(),
                ];
                if (places.FirstOrDefault(place => File.Exists(Path.Combine(place, "cmake.exe"))) is { } found)
                {
                    Environment.SetEnvironmentVariable("PATH", $"{found};{Environment.GetEnvironmentVariable("PATH")}");
                }
            }

            return IsCMakeRecent;
        }
    }

    // The directory of a Visual Studio (Build Tools count) that has the C compiler for this machine.
    private static string? VisualStudio
    {
        get
        {
            string vswhere = Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.ProgramFilesX86), "Microsoft Visual Studio", "Installer", "vswhere.exe");
            if (!File.Exists(vswhere))
            {
                return null;
            }

            string component = RuntimeInformation.OSArchitecture == Architecture.Arm64
                ? "Microsoft.VisualStudio.Component.VC.Tools.ARM64"
                : "Microsoft.VisualStudio.Component.VC.Tools.x86.x64";
            string found = Shell.Capture(vswhere, "-products", "*", "-latest", "-requires", component, "-property", "installationPath").Output;
            return found.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault();
        }
    }

    public override void Need()
    {
        bool needsCMake = !HasCMake;
        bool needsCompiler = !HasCompiler;
        if (!needsCMake && !needsCompiler)
        {
            return;
        }

        string what = string.Join(
            " and ", new[] { needsCMake ? "cmake 3.20 or later" : null, needsCompiler ? "a C compiler (Visual Studio Build Tools)" : null }.OfType<string>());
        string manager = !Shell.Has("winget") && Shell.Has("choco") ? "choco" : "winget";
        string[][] commands = [.. InstallCommands(needsCMake, needsCompiler, manager)];
        string typed = string.Join('\n', commands.Select(command =>
            "    " + string.Join(' ', command.Select(word => word.Contains(' ', StringComparison.Ordinal) ? $"\"{word}\"" : word))));
        if (!Shell.Has(manager) || !Environment.IsPrivilegedProcess)
        {
            throw new StopException($"missing: {what}. Type in an elevated prompt\n{typed}\n  and run this again in a new prompt.");
        }

        Terminal.Say($"Missing: {what}. Installing with {manager}; this takes a while.");
        foreach (string[] command in commands)
        {
            int code = Shell.Run(command[0], command[1..]);
            if (code is not (0 or RestartIsWelcome))
            {
                throw new StopException($"that did not work ({code}). Type in an elevated prompt\n{typed}\n  and run this again in a new prompt.");
            }
        }

        if (!HasCMake)
        {
            throw new StopException("cmake 3.20 or later is still missing: open a new prompt and run this again.");
        }

        if (!HasCompiler)
        {
            throw new StopException("the C compiler is still missing: open a new prompt and run this again.");
        }
    }

    private static IEnumerable<string[]> InstallCommands(bool cmake, bool compiler, string manager)
    {
        const string Workload = "--add Microsoft.VisualStudio.Workload.VCTools --includeRecommended";
        string[] quiet = ["--exact", "--silent", "--accept-package-agreements", "--accept-source-agreements"];
        bool isWinget = manager == "winget";
        if (cmake)
        {
            yield return isWinget ? ["winget", "install", "--id", "Kitware.CMake", .. quiet] : ["choco", "install", "-y", "cmake"];
        }

        if (compiler)
        {
            yield return isWinget
                ? ["winget", "install", "--id", "Microsoft.VisualStudio.2022.BuildTools", .. quiet, "--override", $"--wait --quiet --norestart {Workload}"]
                : ["choco", "install", "-y", "visualstudio2022buildtools", "--package-parameters", $"--quiet {Workload}"];
        }
    }
}

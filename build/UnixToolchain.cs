namespace NativeGreenlet.Build;

/// <summary>By the system's package manager.</summary>
internal sealed class UnixToolchain : Toolchain
{
    private static readonly PackageManager[] s_managers =
    [
        new("apt-get", "apt-get update -q", "apt-get install -q -y --no-install-recommends", "gcc libc6-dev"),
        new("dnf", null, "dnf install -y", "gcc glibc-devel"),
        new("apk", null, "apk add --no-cache", "gcc musl-dev linux-headers"),
        new("zypper", null, "zypper --non-interactive install", "gcc glibc-devel"),
        new("pacman", "pacman -Sy", "pacman -S --noconfirm --needed", "gcc"),
        new("brew", null, "brew install", "gcc", NeedsRoot: false),
    ];

    private static bool HasMake => Shell.Has("ninja") || Shell.Has("ninja-build") || Shell.Has("make");

    // A compiler without the C library's headers, as a bare gcc package leaves it, does not count.
    private static bool HasCompiler
    {
        get
        {
            string[] compilers = Environment.GetEnvironmentVariable("CC") is { Length: > 0 } chosen ? [chosen] : ["cc", "gcc", "clang"];
            DirectoryInfo scratch = Directory.CreateTempSubdirectory("probe");
            try
            {
                string source = Path.Combine(scratch.FullName, "probe.c");
                File.WriteAllText(source, "#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n");
                return compilers.Select(compiler => compiler.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Any(words =>
                    words.Length > 0 && Shell.Has(words[0])
                    && Shell.Capture(words[0], [.. words[1..], "-o", Path.Combine(scratch.FullName, "probe"), source]).Code == 0);
            }
            finally
            {
                scratch.Delete(recursive: true);
            }
        }
    }

    public override void Need()
    {
        string[] missing = Missing();
        if (missing.Length == 0)
        {
            return;
        }

        string list = string.Join(' ', missing);
        if (OperatingSystem.IsMacOS() && missing.Contains("compiler"))
        {
            throw new StopException("a C compiler is missing. Type\n    xcode-select --install\n  and run this again.");
        }

        PackageManager manager = s_managers.FirstOrDefault(each => Shell.Has(each.Name)) ?? throw new StopException(
            $"missing: {list} (cmake 3.20 or later, a C compiler, make or ninja), and no package manager\n"
            + "  that this script knows. Install them and run this again.");

        string prefix = manager.NeedsRoot && !Environment.IsPrivilegedProcess ? "sudo " : "";
        string install = prefix + manager.InstallCommand(missing);
        string? refresh = manager.Refresh is { } command ? prefix + command : null;
        string typed = refresh is null ? install : $"{refresh} && {install}";
        if (prefix.Length != 0 && !(Shell.Has("sudo") && Shell.Capture("sudo", "-n", "true").Code == 0))
        {
            throw new StopException($"missing: {list}. Type\n    {typed}\n  and run this again.");
        }

        Terminal.Say($"Missing: {list}. {install}");
        Environment.SetEnvironmentVariable("DEBIAN_FRONTEND", "noninteractive");
        if (refresh is not null && !Logged("refresh", refresh))
        {
            Terminal.Say("The list of packages could not be renewed; trying the one at hand.");
        }

        if (!Logged("install", install))
        {
            throw new StopException($"that did not work. Type\n    {typed}\n  yourself, and run this again.");
        }

        missing = Missing();
        if (missing.Contains("cmake"))
        {
            throw new StopException(
                $"cmake 3.20 or later is needed, and this system's package is {(CMakeVersion is { Length: > 0 } version ? version : "older")}. Get a newer one, for example\n"
                + "    python3 -m pip install --user cmake\n  or from https://cmake.org/download, put it on PATH, and run this again.");
        }

        if (missing.Length != 0)
        {
            throw new StopException($"still missing after the installation: {string.Join(' ', missing)}");
        }
    }

    private static string[] Missing() =>
        [.. new[] { IsCMakeRecent ? null : "cmake", HasCompiler ? null : "compiler", HasMake ? null : "make" }.OfType<string>()];

    private static bool Logged(string name, string command)
    {
        string[] words = command.Split(' ');
        return Shell.Logged(name, words[0], words[1..]);
    }

    private sealed record PackageManager(string Name, string? Refresh, string Install, string Compiler, bool NeedsRoot = true)
    {
        public string InstallCommand(string[] tools) => $"{Install} {string.Join(' ', tools.Select(tool => tool == "compiler" ? Compiler : tool))}";
    }
}

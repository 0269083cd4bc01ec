namespace NativeGreenlet.Build;

/// <summary><c>check</c>: the C library under tools (native/check.sh), or a platform, each by a script of its own.</summary>
internal static class CheckVerb
{
    public static int Run(IReadOnlyList<string> words)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new StopException("check is for Linux only: run ./build.sh check there, or in WSL");
        }

        Toolchain.Current.Need();
        return words is [string name, ..] && name != "common" && File.Exists($"tests/platforms/{name}.sh")
            ? Shell.Run("sh", [$"tests/platforms/{name}.sh", .. words.Skip(1)])
            : Shell.Run("native/check.sh", words);
    }
}

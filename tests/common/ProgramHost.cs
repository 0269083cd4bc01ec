using System.Reflection;

namespace NativeGreenlet.Common;

/// <summary>How a managed program is started in a process of its own.</summary>
internal static class ProgramHost
{
    /// <summary>The first argument of a test program that is started as a child of its tests: without it, it would run them.</summary>
    public const string Child = "child";

    /// <summary>What runs managed programs, as <c>host exec program.dll</c>: that which <c>dotnet</c> names for those it runs,
    /// or the runner of tests/platforms for what is self-contained; else <c>dotnet</c> itself.</summary>
    public static string Path
    {
        get
        {
            string? named = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH");
            return !string.IsNullOrEmpty(named) ? named : OwnIsDotnet ? Environment.ProcessPath! : "dotnet";
        }
    }

    private static bool OwnIsDotnet => System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";

    /// <summary>The words to which a program's arguments are added.</summary>
    /// <param name="program">Its file.</param>
    public static string[] Command(string program)
    {
        string? own = Environment.ProcessPath;
        bool isOwn = System.IO.Path.GetFileNameWithoutExtension(own) == System.IO.Path.GetFileNameWithoutExtension(program);
        bool isNamed = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH"));
        return isOwn && !isNamed ? [own!] : [Path, "exec", program];
    }

    /// <inheritdoc cref="Command(string)" />
    public static string[] Command(Assembly program) => Command(program.Location);
}

using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>A test that starts a server of this machine.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ServerFactAttribute : FactAttribute
{
    /// <param name="program">The server.</param>
    /// <param name="package">Debian's package of it.</param>
    public ServerFactAttribute(string program, string package, [CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        if (!OperatingSystem.IsLinux())
        {
            Skip = "Only on Linux: the servers are those of its packages.";
        }
        else if (LocalServer.Find(program) is null)
        {
            Skip = $"{program} is not installed (apt-get install {package}).";
        }
        else if (Environment.IsPrivilegedProcess && LocalServer.Find("setpriv") is null)
        {
            Skip = "setpriv, to give up the rights of root, is not installed (apt-get install util-linux).";
        }
    }
}

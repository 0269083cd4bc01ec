using System.Runtime.CompilerServices;
using NativeGreenlet.Common;
using Xunit.v3;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test of something that not every runtime does, or not every machine has.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FactWhereAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
    : FactAttribute(sourceFilePath, sourceLineNumber), IFactAttribute
{
    /// <summary>The first major version of .NET that does it.</summary>
    public int LeastRuntime { get; set; }

    /// <summary>The last major version of .NET that does it.</summary>
    public int MostRuntime { get; set; } = int.MaxValue;

    /// <summary>Whether it needs C++ code (native/tests/frames.cpp).</summary>
    public bool Cxx { get; set; }

    string? IFactAttribute.Skip =>
        Environment.Version.Major < LeastRuntime || Environment.Version.Major > MostRuntime ? $".NET {Environment.Version} has nothing of the kind"
        : Cxx ? CxxFrames.Missing ?? Skip
        : Skip;
}

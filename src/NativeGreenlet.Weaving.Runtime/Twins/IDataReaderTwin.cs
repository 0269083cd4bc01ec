using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="IDataReader"/>, where it is a <see cref="DbDataReader"/>, in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(IDataReader))]
[StackTraceHidden]
public static class IDataReaderTwin
{
    public static bool Read(IDataReader self) => self is DbDataReader reader ? DbDataReaderTwin.Read(reader) : self.Read();

    public static bool NextResult(IDataReader self) => self is DbDataReader reader ? DbDataReaderTwin.NextResult(reader) : self.NextResult();
}

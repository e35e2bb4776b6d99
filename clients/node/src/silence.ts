import { Code, ConnectError } from "@connectrpc/connect";

/** What `next` brings, unless nothing comes for so long that the connection must be dead. */
export async function inTime<T>(next: Promise<T>, silenceMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const error = new ConnectError(`no frame came for ${silenceMs} ms`, Code.Unavailable);
    timer = setTimeout(() => reject(error), silenceMs);
  });
  try {
    return await Promise.race([next, silence]);
  } finally {
    clearTimeout(timer);
  }
}

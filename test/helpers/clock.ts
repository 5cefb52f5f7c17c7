/** A clock that stands until it is told to move. */
export class TestClock {
  private time: number;

  constructor(iso: string) {
    this.time = Date.parse(iso);
  }

  now = (): Date => new Date(this.time);

  /** That many seconds from now; negative for the past. */
  in(seconds: number): Date {
    return new Date(this.time + seconds * 1000);
  }

  advance(seconds: number): void {
    this.time += seconds * 1000;
  }
}
